package lorikeet.runtime.server;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;

/** A client that does as it likes: it sends half a request, reads nothing, or hangs up. */
final class RawClient implements AutoCloseable {
    private static final int PATIENCE_MILLIS = 60_000;

    private final Socket socket = new Socket();

    RawClient(int port) throws IOException {
        socket.setReceiveBufferSize(4096);
        socket.setSoTimeout(PATIENCE_MILLIS);
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    }

    void send(String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
        socket.getOutputStream().flush();
    }

    void post(String path, String json) throws IOException {
        String body = json.replace('\'', '"');
        send("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                + "Content-Type: application/json\r\nContent-Length: "
                + body.getBytes(StandardCharsets.UTF_8).length + "\r\n\r\n" + body);
    }

    /** Waits for the first bytes of the answer. */
    String readSome() throws IOException {
        byte[] bytes = new byte[512];
        int length = socket.getInputStream().read(bytes);
        return length < 0 ? "" : new String(bytes, 0, length, StandardCharsets.UTF_8);
    }

    /** All that comes until the server ends the connection, however it does. */
    String readToEnd() throws IOException {
        StringBuilder text = new StringBuilder();
        InputStream in = socket.getInputStream();
        byte[] bytes = new byte[1 << 16];
        try {
            for (int length = in.read(bytes); length >= 0; length = in.read(bytes)) {
                text.append(new String(bytes, 0, length, StandardCharsets.ISO_8859_1));
            }
        } catch (SocketException reset) {
            text.append("<reset>");
        }
        return text.toString();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
