// The JDBC driver: prepared, batched and fetched by portions, COPY, errors. Prints what it received.
import java.io.StringReader;
import java.sql.*;
import org.postgresql.PGConnection;

public class Jdbc {
    static void show(ResultSet rows) throws SQLException {
        StringBuilder line = new StringBuilder();
        while (rows.next()) {
            for (int column = 1; column <= rows.getMetaData().getColumnCount(); column++) {
                line.append(rows.getString(column)).append(' ');
            }
        }
        System.out.println(line);
    }

    public static void main(String[] arguments) throws Exception {
        String url = "jdbc:postgresql://127.0.0.1:" + arguments[0] + "/demo?sslmode=disable";
        try (Connection connection = DriverManager.getConnection(url, "person_ada", "person_ada")) {
            try (PreparedStatement prepared = connection.prepareStatement("SELECT email FROM users WHERE id = ?")) {
                for (int id = 1; id < 8; id++) { // the fifth use names the statement on the server
                    prepared.setInt(1, id);
                    show(prepared.executeQuery());
                }
            }
            connection.setAutoCommit(false);
            try (PreparedStatement insert = connection.prepareStatement("INSERT INTO journal (line) VALUES (?)")) {
                for (int number = 0; number < 50; number++) {
                    insert.setString(1, "line " + number);
                    insert.addBatch();
                }
                System.out.println(insert.executeBatch().length);
            }
            try (Statement statement = connection.createStatement()) {
                statement.setFetchSize(7); // a portal, read in portions
                show(statement.executeQuery("SELECT id, total FROM orders ORDER BY id"));
            }
            try (Statement statement = connection.createStatement()) {
                statement.executeQuery("SELECT nope");
            } catch (SQLException error) {
                System.out.println(error.getSQLState() + " " + error.getMessage());
            }
            connection.rollback();
            connection.setAutoCommit(true);
            long copied = connection.unwrap(PGConnection.class).getCopyAPI()
                .copyIn("COPY journal (line) FROM STDIN", new StringReader("one\ntwo\n"));
            System.out.println(copied);
            show(connection.getMetaData().getTables(null, "public", "%", new String[] {"TABLE"}));
        }
    }
}
