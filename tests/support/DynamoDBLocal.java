import com.amazonaws.services.dynamodbv2.local.main.ServerRunner;
import com.amazonaws.services.dynamodbv2.local.server.DynamoDBProxyServer;
import com.amazonaws.services.dynamodbv2.local.shared.access.LocalDBUtils;
import java.lang.reflect.Field;
import java.util.List;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import sun.misc.Unsafe;

/** DynamoDB Local on a free port of loopback only, until its standard input closes; it prints the port. */
class DynamoDBLocal {
    private static final long BETWEEN_LOOKS = 500; // milliseconds; the defaults are a minute and ten seconds

    public static void main(String[] args) throws Exception {
        lookForExpiredItemsMoreOften();
        DynamoDBProxyServer local = ServerRunner.createServerFromCommandLineArgs(args);
        // Started from its command line it would listen on every interface of this machine.
        Server server = (Server) opened(DynamoDBProxyServer.class, "server").get(local);
        ServerConnector connector = (ServerConnector) server.getConnectors()[0];
        connector.setHost("127.0.0.1");
        connector.setPort(0);
        connector.setIdleTimeout(0); // never: the next test of a worker may come a minute later
        local.safeStart(); // without telemetry
        System.out.println("port " + connector.getLocalPort());
        while (System.in.read() >= 0) {}
        Runtime.getRuntime().halt(0); // the process that started it has ended
    }

    private static void lookForExpiredItemsMoreOften() throws Exception {
        Unsafe unsafe = (Unsafe) opened(Unsafe.class, "theUnsafe").get(null);
        for (String name : List.of("DELAY_BEFORE_SCHEDULING_JOBS_AGAIN", "ITEM_EXPIRY_DELAY_BETWEEN_DELETION")) {
            Field delay = LocalDBUtils.class.getField(name);
            delay.getLong(null); // makes the class set its own value first
            unsafe.putLong(unsafe.staticFieldBase(delay), unsafe.staticFieldOffset(delay), BETWEEN_LOOKS);
        }
    }

    private static Field opened(Class<?> owner, String name) throws Exception {
        Field field = owner.getDeclaredField(name);
        field.setAccessible(true);
        return field;
    }
}
