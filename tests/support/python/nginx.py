"""nginx as a destination that demands a client certificate."""

import os
import pathlib
import socket

from processes import Program

_CONFIG = """
daemon off; worker_processes 1; pid {work}/nginx.pid; error_log stderr warn;
{user}
events {{}}
http {{
  access_log off;
  client_max_body_size 2g;
  client_body_temp_path {work}/body; proxy_temp_path {work}/proxy;
  fastcgi_temp_path {work}/fastcgi; uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
  server {{
    listen 127.0.0.1:{port} {protocols};
    ssl_certificate {pki}/server.crt;
    ssl_certificate_key {pki}/server.key;
    ssl_client_certificate {client_ca};
    ssl_verify_client on;
    ssl_verify_depth 2;
    ssl_protocols TLSv1.2 TLSv1.3;
    {settings}
    root {root};
    location = / {{ return 200 "$ssl_client_s_dn $ssl_protocol $ssl_server_name\\n"; }}
    location /files/ {{ }}
  }}
}}
"""


class Nginx(Program):
    """`GET /` answers with the client certificate's subject, the TLS version and the SNI.

    Files put into the directory `files` are served below /files/. `settings` are further lines of
    the server block; `protocols` may be "ssl http2"; `client_ca`: whose certificates it takes.
    """

    def __init__(self, pki, directory, *, settings="", protocols="ssl", client_ca=None):
        work = pathlib.Path(directory) / "nginx"
        self.files = work / "root" / "files"
        self.files.mkdir(parents=True)
        with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
            self.port = listener.getsockname()[1]
            config = work / "nginx.conf"
            # As root it would leave its files to another user, whom a sandbox need not have.
            user = "user root root;" if os.geteuid() == 0 else ""
            config.write_text(_CONFIG.format(work=work, port=self.port, pki=pki, user=user,
                                             root=work / "root", settings=settings,
                                             client_ca=client_ca or pki / "client-ca.pem",
                                             protocols=protocols))
            # nginx takes over a socket that it is given in this way, as in an upgrade of itself: so
            # nobody else can have the port, and whoever connects before nginx runs has to wait.
            path = os.environ["PATH"] + ":/usr/sbin"
            super().__init__(["nginx", "-c", config, "-e", "stderr"],
                             env={"NGINX": f"{listener.fileno()};", "PATH": path},
                             pass_fds=[listener.fileno()])
