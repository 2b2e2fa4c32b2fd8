// Node's tls as a stack program (../stack_program.py): node node_tls.js socket|records PKI.
'use strict';

const {once} = require('events');
const fs = require('fs');
const net = require('net');
const path = require('path');
const readline = require('readline');
const {Duplex} = require('stream');
const tls = require('tls');

const HEADER_SIZE = 5;

// Stands between a TLSSocket and the connection. Gives it one record, and the next one when it has
// been dealt with; so what follows the close_notify stays here. Its end is not the connection's.
class RecordStream extends Duplex {
  constructor(connection) {
    super();
    this.connection = connection;
    this.held = Buffer.alloc(0);
    this.left = false; // the peer's close_notify has come
    this.onData = (piece) => {
      this.held = Buffer.concat([this.held, piece]);
      this.giveRecord();
    };
    connection.on('data', this.onData);
  }

  giveRecord() {
    if (this.left || this.busy || this.held.length < HEADER_SIZE) return;
    const size = HEADER_SIZE + this.held.readUInt16BE(3);
    if (this.held.length < size) return;
    const record = this.held.subarray(0, size);
    this.held = this.held.subarray(size);
    this.busy = true;
    this.push(record);
    setImmediate(() => {
      this.busy = false;
      this.giveRecord();
    });
  }

  // What came behind the close_notify.
  leftover() {
    this.connection.off('data', this.onData);
    return this.held;
  }

  _read() {}

  _write(bytes, encoding, done) {
    this.connection.write(bytes, done);
  }
}

// Lines of a stream, waited for.
class Lines {
  constructor(stream, begun = Buffer.alloc(0)) {
    this.stream = stream;
    this.held = begun;
    this.ended = false;
    this.onData = (piece) => {
      this.held = Buffer.concat([this.held, piece]);
      this.wake();
    };
    this.onEnd = (error) => {
      this.ended = true;
      this.error = this.error || error;
      this.wake();
    };
    this.wake = () => {};
    stream.on('data', this.onData);
    for (const event of ['end', 'close', 'error']) stream.on(event, this.onEnd);
  }

  stop() {
    this.stream.off('data', this.onData);
    return this.held;
  }

  async until(holds) {
    while (!holds()) await new Promise((resolve) => (this.wake = resolve));
  }

  async read() {
    await this.until(() => this.held.includes('\n') || this.ended);
    const end = this.held.indexOf('\n');
    if (end < 0) throw this.error || new Error('the connection has ended');
    const line = this.held.toString('latin1', 0, end);
    this.held = this.held.subarray(end + 1);
    return line;
  }

  async end() {
    await this.until(() => this.ended);
    if (this.error) throw this.error;
  }
}

class End {
  constructor(byRecord, pki) {
    this.byRecord = byRecord;
    this.pki = (name) => fs.readFileSync(path.join(pki, name));
  }

  begin(connection, server) {
    this.connection = connection.setNoDelay();
    this.server = server;
    this.reading = new Lines(connection);
    this.sending = connection;
  }

  version() {
    return `Node ${process.versions.node} with OpenSSL ${process.versions.openssl}`;
  }

  async listen() {
    this.listener = net.createServer({allowHalfOpen: true}).listen(0, '127.0.0.1');
    this.accepted = once(this.listener, 'connection');
    await once(this.listener, 'listening');
    return this.listener.address().port;
  }

  async accept() {
    const [connection] = await this.accepted;
    this.listener.close();
    this.begin(connection, true);
  }

  async connect(port) {
    const connection = net.connect({port, host: '127.0.0.1', allowHalfOpen: true});
    await once(connection, 'connect');
    this.begin(connection, false);
  }

  async handshake(version) {
    this.reading.stop();
    this.below = this.byRecord ? new RecordStream(this.connection) : this.connection;
    const versions = {minVersion: `TLSv${version}`, maxVersion: `TLSv${version}`};
    if (this.server) {
      const pem = this.pki('server.pem');
      this.tls = new tls.TLSSocket(this.below, {
        isServer: true, allowHalfOpen: true,
        secureContext: tls.createSecureContext({key: pem, cert: pem, ...versions}),
      });
      await once(this.tls, 'secure');
    } else {
      this.tls = tls.connect({
        socket: this.below, allowHalfOpen: true, servername: 'localhost',
        ca: this.pki('server-ca.pem'), ...versions,
      });
      await once(this.tls, 'secureConnect');
    }
    this.tls.on('end', () => (this.below.left = true));
    this.reading = new Lines(this.tls);
    this.sending = this.tls;
    return this.tls.getProtocol().replace('TLSv', '');
  }

  write(line) {
    return new Promise((resolve, reject) => {
      const ended = new Error('end() has ended the connection, too');
      const raw = this.sending === this.connection;
      this.sending.write(`${line}\n`, (error) => (error ? reject(raw ? ended : error) : resolve()));
    });
  }

  read() {
    return this.reading.read();
  }

  // end() sends close_notify, and ends the stream below.
  close() {
    return new Promise((resolve) => this.tls.end(resolve)).then(() => {
      this.sending = this.connection;
    });
  }

  async await_close() {
    await this.reading.end();
    this.reading.stop();
    this.reading = new Lines(this.connection, this.byRecord ? this.below.leftover() : undefined);
  }

  async detach() {
    await this.close();
    await this.await_close();
  }

  async answer() {
    await this.await_close();
    await this.close();
  }

  hangup() {
    this.connection.destroy();
  }
}

async function main(way, pki) {
  const end = new End(way === 'records', pki);
  for await (const line of readline.createInterface({input: process.stdin})) {
    const [command, ...words] = line.split(' ');
    try {
      const answer = await end[command](words.join(' '));
      console.log(answer === undefined ? 'ok' : `ok ${answer}`);
    } catch (error) {
      console.log(`error ${error.message}`);
    }
  }
}

process.on('uncaughtException', () => {}); // of a connection that is over: the command says it
main(...process.argv.slice(2));
