# SPDX-License-Identifier: Apache-2.0
# A network that breaks, for drawbridge_client.sh: passes connections on to PORT and cuts those that
# send more than BYTES, CUTS times. Prints its own port; then a line for each connection that it cuts.
#
#     drawbridge_breaker.py PORT CUTS BYTES
import socket
import sys
import threading

target, cuts, limit = (int(argument) for argument in sys.argv[1:])


def pump(source, sink, counts):
    """Passes bytes on; True if they were too many."""
    passed = 0
    try:
        while data := source.recv(65536):
            sink.sendall(data)
            passed += len(data)
            if counts and cuts > 0 and passed > limit:
                return True
    except OSError:
        pass
    return False


def serve(client):
    global cuts
    server = socket.create_connection(("127.0.0.1", target))
    threading.Thread(target=pump, args=(server, client, False), daemon=True).start()
    if pump(client, server, True):
        cuts -= 1
        print("cut", flush=True)
    for end in (client, server):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


listener = socket.create_server(("127.0.0.1", 0))
print("port", listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
