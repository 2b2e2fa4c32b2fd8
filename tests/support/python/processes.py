"""Programs that a test starts, and what they say."""

import os
import signal
import subprocess
import threading

# Seconds. A bound for waits that should never reach it, so that a failing test says what it waited
# for; no test measures time.
PATIENCE = 30


class Program:
    """A child process in a process group of its own; its output and errors, line by line.

    A context manager: leaving kills the group.
    """

    def __init__(self, command, *, env=None, cwd=None, pass_fds=(), stdin=subprocess.DEVNULL):
        self.command = [str(word) for word in command]
        self._lines = []
        self._news = threading.Condition()
        self._silent = False
        self.process = subprocess.Popen(
            self.command, env={**os.environ, **(env or {})}, cwd=cwd, pass_fds=pass_fds,
            stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", start_new_session=True)
        self._collector = threading.Thread(target=self._collect, daemon=True)
        self._collector.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    @property
    def pid(self):
        return self.process.pid

    @property
    def lines(self):
        with self._news:
            return list(self._lines)

    def find(self, extract, *, patience=PATIENCE):
        """Waits for a line of which `extract` makes something that is not None; returns that.

        Fails when the program ends without such a line.
        """
        looked_at = 0
        found = None

        def look():
            nonlocal looked_at, found
            while found is None and looked_at < len(self._lines):
                found = extract(self._lines[looked_at])
                looked_at += 1
            return found is not None or self._silent

        with self._news:
            self._news.wait_for(look, patience)
            if found is None:
                raise AssertionError(self.complaint("did not say what was waited for"))
            return found

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, *, patience=PATIENCE):
        """Waits for the end of the program and of its output. Returns its exit code."""
        try:
            code = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise AssertionError(self.complaint("did not end")) from None
        self._collector.join(patience)
        return code

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()
        self._collector.join(PATIENCE)
        self.process.stdout.close()

    def _collect(self):
        for line in self.process.stdout:
            with self._news:
                self._lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._silent = True
            self._news.notify_all()

    def complaint(self, what):
        """A message for a failure: `what`, and all that the program said."""
        return "\n".join([f"{' '.join(self.command)} {what}. It said:", *self._lines])
