"""What Interlock costs, measured beside others in one interleaved run. `python -m bench --help` says how."""
