import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Scanner;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/**
 * Java's SSLSocket as a stack program (../stack_program.py): java JavaSsl close|shutdownOutput PKI.
 * The word is the call that sends close_notify.
 */
public final class JavaSsl {
  private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();

  private final boolean halfClose;
  private final SSLContext context;
  private ServerSocket listener;
  private boolean server;
  private Socket raw;
  private SSLSocket tls;
  private InputStream reading;
  private OutputStream sending;

  private JavaSsl(boolean halfClose, SSLContext context) {
    this.halfClose = halfClose;
    this.context = context;
  }

  public static void main(String[] arguments) throws Exception {
    JavaSsl end = new JavaSsl(
        arguments[0].equals("shutdownOutput"), newContext(Path.of(arguments[1])));
    Scanner lines = new Scanner(System.in, StandardCharsets.UTF_8);
    while (lines.hasNextLine()) {
      String[] words = lines.nextLine().split(" ", 2);
      try {
        String answer = end.obey(words[0], words.length > 1 ? words[1] : "");
        System.out.println(("ok " + answer).strip());
      } catch (UnsupportedOperationException cannot) {
        System.out.println("cannot " + cannot.getMessage());
      } catch (IOException failure) {
        System.out.println("error " + failure.getMessage());
      }
    }
  }

  private String obey(String command, String argument) throws IOException {
    switch (command) {
      case "version":
        return "Java " + Runtime.version();
      case "listen":
        listener = new ServerSocket(0, 1, LOOPBACK);
        return String.valueOf(listener.getLocalPort());
      case "accept":
        begin(listener.accept(), true);
        listener.close();
        return "";
      case "connect":
        begin(new Socket(LOOPBACK, Integer.parseInt(argument)), false);
        return "";
      case "handshake":
        return handshake(argument);
      case "write":
        sending.write((argument + "\n").getBytes(StandardCharsets.UTF_8));
        return "";
      case "read":
        return read();
      case "detach":
        detach();
        return "";
      case "answer":
        awaitCloseNotify();
        sendCloseNotify();
        return "";
      case "close":
        if (!halfClose) throw new UnsupportedOperationException("close() leaves both directions");
        sendCloseNotify();
        return "";
      case "await_close":
        awaitCloseNotify();
        return "";
      case "hangup":
        raw.close();
        return "";
      default:
        throw new IOException("no such command");
    }
  }

  private void begin(Socket socket, boolean accepted) throws IOException {
    raw = socket;
    raw.setTcpNoDelay(true);
    server = accepted;
    reading = raw.getInputStream();
    sending = raw.getOutputStream();
  }

  // close() waits for the peer's close_notify in TLS 1.2. In TLS 1.3 it throws away what has arrived
  // by then, raw bytes among it, and what has not is read as raw: from run to run another result.
  private void detach() throws IOException {
    if (!halfClose && tls.getSession().getProtocol().equals("TLSv1.3")) {
      raw.close();
      throw new UnsupportedOperationException("close() does not wait for the peer's close_notify");
    }
    sendCloseNotify();
    if (halfClose) awaitCloseNotify();
  }

  private void sendCloseNotify() throws IOException {
    if (halfClose) {
      tls.shutdownOutput();
    } else {
      tls.close(); // autoClose is false: what it closes is TLS, in both directions
      reading = raw.getInputStream();
    }
    sending = raw.getOutputStream();
  }

  private void awaitCloseNotify() throws IOException {
    if (tls.getInputStream().read() >= 0) throw new IOException("no close_notify");
    reading = raw.getInputStream();
  }

  private String handshake(String version) throws IOException {
    if (server) {
      tls = (SSLSocket) context.getSocketFactory().createSocket(raw, null, false);
      tls.setUseClientMode(false);
    } else {
      tls = (SSLSocket) context.getSocketFactory().createSocket(raw, "localhost", 0, false);
      SSLParameters parameters = tls.getSSLParameters();
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      tls.setSSLParameters(parameters);
    }
    tls.setEnabledProtocols(new String[] {"TLSv" + version});
    tls.startHandshake();
    reading = tls.getInputStream();
    sending = tls.getOutputStream();
    return tls.getSession().getProtocol().substring("TLSv".length());
  }

  private String read() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int next = reading.read(); next != '\n'; next = reading.read()) {
      if (next < 0) throw new IOException("the end");
      line.append((char) next);
    }
    return line.toString();
  }

  private static SSLContext newContext(Path pki) throws GeneralSecurityException, IOException {
    char[] password = {};
    KeyStore identity = emptyStore();
    identity.setKeyEntry("server", readKey(pki.resolve("server.key")), password,
        readCertificates(pki.resolve("server.crt")));
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(identity, password);

    KeyStore anchors = emptyStore();
    anchors.setCertificateEntry("anchor", readCertificates(pki.resolve("server-ca.pem"))[0]);
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(anchors);

    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  private static KeyStore emptyStore() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  private static Certificate[] readCertificates(Path path)
      throws GeneralSecurityException, IOException {
    try (InputStream pem = Files.newInputStream(path)) {
      return CertificateFactory.getInstance("X.509").generateCertificates(pem)
          .toArray(new Certificate[0]);
    }
  }

  private static PrivateKey readKey(Path path) throws GeneralSecurityException, IOException {
    String base64 = Files.readString(path).replaceAll("-----[^-]+-----|\\s", "");
    byte[] der = Base64.getDecoder().decode(base64);
    return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(der));
  }
}
