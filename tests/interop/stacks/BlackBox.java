import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSocket;

/**
 * Java's SSLServerSocket as a black box, which knows nothing of detaching: java BlackBox TLS-PORT
 * CLEAR-PORT. What it decrypts it passes on to a connection of its own to CLEAR-PORT, behind a line
 * of the PROXY protocol. Its key is in the key store that javax.net.ssl.keyStore names.
 */
public final class BlackBox {
  private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();

  private final SSLSocket tls;
  private final Socket clear;

  private BlackBox(SSLSocket tls, Socket clear) {
    this.tls = tls;
    this.clear = clear;
  }

  public static void main(String[] arguments) throws IOException {
    SSLServerSocket listener = (SSLServerSocket) SSLServerSocketFactory.getDefault()
        .createServerSocket(Integer.parseInt(arguments[0]), 50, LOOPBACK);
    int clearPort = Integer.parseInt(arguments[1]);
    System.out.println("ready: Java " + Runtime.version());
    while (true) {
      SSLSocket tls = (SSLSocket) listener.accept();
      new Thread(() -> serve(tls, clearPort)).start();
    }
  }

  private static void serve(SSLSocket tls, int clearPort) {
    try (tls) {
      tls.startHandshake();
      try (Socket clear = new Socket(LOOPBACK, clearPort)) {
        new BlackBox(tls, clear).serve();
      }
    } catch (IOException | InterruptedException failure) {
      System.out.println("closed: " + failure.getMessage());
    }
  }

  private void serve() throws IOException, InterruptedException {
    String line = String.format("PROXY TCP4 %s %s %d %d\r\n",
        tls.getInetAddress().getHostAddress(), tls.getLocalAddress().getHostAddress(),
        tls.getPort(), tls.getLocalPort());
    clear.getOutputStream().write(line.getBytes(StandardCharsets.US_ASCII));
    Thread sending = new Thread(this::send);
    sending.start();
    try {
      pass(tls.getInputStream(), clear.getOutputStream());
      clear.shutdownOutput();
    } catch (IOException failure) {
      clear.setSoLinger(true, 0); // an error is no end
      clear.close();
      throw failure;
    } finally {
      sending.join();
    }
  }

  private void send() {
    try {
      pass(clear.getInputStream(), tls.getOutputStream());
      tls.shutdownOutput();
    } catch (IOException failure) {
      System.out.println("sending: " + failure.getMessage());
    }
  }

  private static void pass(InputStream from, OutputStream to) throws IOException {
    byte[] bytes = new byte[16384];
    for (int size = from.read(bytes); size >= 0; size = from.read(bytes)) {
      to.write(bytes, 0, size);
    }
  }
}
