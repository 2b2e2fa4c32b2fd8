// Go's crypto/tls as a stack program (../stack_program.py): go_tls bare|records PKI.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// recordConn gives crypto/tls never more than the record in progress, so that what follows the
// close_notify stays in the connection.
type recordConn struct {
	net.Conn
	header [5]byte
	unread int // bytes of header that have been read and not given
	body   int // bytes of the record behind it that have not been read
}

func (c *recordConn) Read(p []byte) (int, error) {
	if c.unread == 0 && c.body == 0 {
		if _, err := io.ReadFull(c.Conn, c.header[:]); err != nil {
			return 0, err
		}
		c.unread, c.body = len(c.header), int(binary.BigEndian.Uint16(c.header[3:]))
	}
	if c.unread > 0 {
		n := copy(p, c.header[len(c.header)-c.unread:])
		c.unread -= n
		return n, nil
	}
	if len(p) > c.body {
		p = p[:c.body]
	}
	n, err := c.Conn.Read(p)
	c.body -= n
	return n, err
}

type end struct {
	records  bool // with recordConn
	pki      string
	listener net.Listener
	server   bool
	raw      net.Conn
	tls      *tls.Conn
	sending  io.Writer
	reading  io.Reader
}

func (e *end) begin(raw net.Conn, err error, server bool) (string, error) {
	e.raw, e.server, e.sending, e.reading = raw, server, raw, raw
	return "", err
}

func (e *end) listen() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	e.listener = listener
	return fmt.Sprint(listener.Addr().(*net.TCPAddr).Port), nil
}

func (e *end) accept() (string, error) {
	defer e.listener.Close()
	raw, err := e.listener.Accept()
	return e.begin(raw, err, true)
}

func (e *end) config(version uint16) (*tls.Config, error) {
	anchors, err := os.ReadFile(filepath.Join(e.pki, "server-ca.pem"))
	if err != nil {
		return nil, err
	}
	server := filepath.Join(e.pki, "server.pem")
	identity, err := tls.LoadX509KeyPair(server, server)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(anchors)
	return &tls.Config{MinVersion: version, MaxVersion: version, RootCAs: pool,
		ServerName: "localhost", Certificates: []tls.Certificate{identity}}, err
}

func (e *end) handshake(version string) (string, error) {
	number := map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}[version]
	config, err := e.config(number)
	if err != nil {
		return "", err
	}
	below := e.raw
	if e.records {
		below = &recordConn{Conn: e.raw}
	}
	if e.server {
		e.tls = tls.Server(below, config)
	} else {
		e.tls = tls.Client(below, config)
	}
	e.sending, e.reading = e.tls, e.tls
	return version, e.tls.Handshake()
}

func (e *end) read() (string, error) {
	line := []byte{}
	for one := make([]byte, 1); ; line = append(line, one[0]) {
		if n, err := e.reading.Read(one); n == 0 {
			return "", err
		}
		if one[0] == '\n' {
			return string(line), nil
		}
	}
}

func (e *end) close() error {
	err := e.tls.CloseWrite()
	// crypto/tls has forbidden all writing, below it too, by a deadline that has passed.
	e.raw.SetWriteDeadline(time.Time{})
	e.sending = e.raw
	return err
}

func (e *end) awaitClose() error {
	if n, err := e.tls.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
		return fmt.Errorf("no close_notify: %v", err)
	}
	e.reading = e.raw
	return nil
}

func (e *end) obey(command, argument string) (string, error) {
	switch command {
	case "version":
		return "Go " + strings.TrimPrefix(runtime.Version(), "go"), nil
	case "listen":
		return e.listen()
	case "accept":
		return e.accept()
	case "connect":
		raw, err := net.Dial("tcp", "127.0.0.1:"+argument)
		return e.begin(raw, err, false)
	case "handshake":
		return e.handshake(argument)
	case "write":
		_, err := e.sending.Write([]byte(argument + "\n"))
		return "", err
	case "read":
		return e.read()
	case "detach":
		if err := e.close(); err != nil {
			return "", err
		}
		return "", e.awaitClose()
	case "answer":
		if err := e.awaitClose(); err != nil {
			return "", err
		}
		return "", e.close()
	case "close":
		return "", e.close()
	case "await_close":
		return "", e.awaitClose()
	case "hangup":
		return "", e.raw.Close()
	}
	return "", errors.New("no such command")
}

func main() {
	e := end{records: os.Args[1] == "records", pki: os.Args[2]}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		command, argument, _ := strings.Cut(lines.Text(), " ")
		if answer, err := e.obey(command, argument); err != nil {
			fmt.Println("error", err)
		} else {
			fmt.Println(strings.TrimSpace("ok " + answer))
		}
	}
}
