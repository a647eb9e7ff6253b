"""The front door: the command line, its settings, installation into a database, and the demo.

Decides nothing about statements: it hands settings to the floors below and words to people. A command's floor is
imported only when the command runs, so that `interlock --help` is quick and an installation without the extras works.
"""
