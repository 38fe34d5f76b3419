# SPDX-License-Identifier: Apache-2.0
"""The vendors' services over HTTPS, as recorded: collateral_server.py VECTORS CERTIFICATE KEY.

Prints the port. Faults for the next requests are words of the file `faults`, one for each: a status,
"429 SECONDS", "cut", "changed", "empty", "old" (an older list), "other" (of something else). Writes
each path to the file `requests`.
"""
import base64
import http.server
import os
import ssl
import sys
import urllib.parse

VECTORS = sys.argv[1]
INTEL = 'collateral/intel/'
CHIP = 'c2a6528b7364e07e9f5c653ab3aa0dbd7384f9a80dfde54cc643ddbb89d8936425ff8a32568ca6ed771020dc39c33ccffb3b43cac0c501a0093cad6012dfd3ed'
CHIP2 = 'd49554ec717f4e5b0fe6b143bcf0405bd7ae304727edf46603f2a76aef6a3abc15d7af38db757039029f0efacfd08e244324884738c72b082e2f87a44d541eb6'
V4 = '/certification/v4/'
PLATFORM_CRL = '/sgx' + V4 + 'pckcrl?ca=platform&encoding=der'
# Path: file, header with the issuer, the issuer.
FILES = {
    '/vcek/v1/Milan/crl': ('trust/amd/milan_crl_20220509.der',),
    '/vcek/v1/Genoa/crl': ('trust/amd/genoa_crl_20221031.der',),
    f'/vcek/v1/Milan/{CHIP}?blSPL=04&teeSPL=00&snpSPL=24&ucodeSPL=219': ('veraison/milan-v3.vcek.der',),
    f'/vcek/v1/Milan/{CHIP2}?blSPL=03&teeSPL=00&snpSPL=08&ucodeSPL=115': ('virtee-sev/milan-v2.vcek.der',),
    '/vcek/v1/Turin/3b42092f69c656d3?blSPL=01&teeSPL=00&snpSPL=02&ucodeSPL=71&fmcSPL=00':
        ('oak/turin-v5.vcek.der',),
    '/IntelSGXRootCA.der': (INTEL + 'crl_root_20250320T112157.der',),
    '/sgx' + V4 + 'pckcrl?ca=processor&encoding=der': (
        INTEL + 'crl_processor_20250619T102318.der', 'SGX-PCK-CRL-Issuer-Chain', 'pck_processor_ca'),
    PLATFORM_CRL: (INTEL + 'crl_platform_20250619T100035.der', 'SGX-PCK-CRL-Issuer-Chain', 'pck_platform_ca'),
    '/sgx' + V4 + 'tcb?fmspc=00a067110000': (
        INTEL + 'tcbinfo_SGX_00a067110000_20250619T105611_eval17.json', 'TCB-Info-Issuer-Chain', 'tcb_signing_2025'),
    '/sgx' + V4 + 'qe/identity': (
        INTEL + 'qeid_QE_20250619T100118_eval17.json', 'SGX-Enclave-Identity-Issuer-Chain', 'tcb_signing_2025'),
    '/tdx' + V4 + 'tcb?fmspc=b0c06f000000': (
        INTEL + 'tcbinfo_TDX_b0c06f000000_20250619T101603_eval17.json', 'TCB-Info-Issuer-Chain', 'tcb_signing_2025'),
    '/tdx' + V4 + 'qe/identity': (
        INTEL + 'qeid_TD_QE_20250619T103227_eval17.json', 'SGX-Enclave-Identity-Issuer-Chain', 'tcb_signing_2025'),
}
OLD = {PLATFORM_CRL: INTEL + 'crl_platform_20250604T091931.der'}


def read(name):
    with open(os.path.join(VECTORS, name), 'rb') as file:
        return file.read()


def chain(name):
    pem = ''
    for part in (name, 'sgx_root_ca'):
        text = base64.encodebytes(read(f'trust/intel/{part}.der')).decode()
        pem += f'-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n'
    return urllib.parse.quote(pem)


def next_fault():
    try:
        with open('faults', encoding='ascii') as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return []
    with open('faults', 'w', encoding='ascii') as file:
        file.write('\n'.join(lines[1:]))
    return lines[0].split() if lines else []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        with open('requests', 'a', encoding='ascii') as log:
            log.write(self.path + '\n')
        fault = next_fault()
        if fault and fault[0].isdigit():
            self.send_response(int(fault[0]))
            if len(fault) > 1:
                self.send_header('Retry-After', fault[1])
            self.send_header('Content-Length', '0')
            self.end_headers()
            return
        if self.path not in FILES:
            self.send_error(404)
            return
        name, *issuer = FILES[self.path]
        kind = fault[0] if fault else ''
        body = bytearray(read(OLD[self.path] if kind == 'old' else name))
        if kind == 'other':
            body = read(INTEL + 'tcbinfo_TDX_b0c06f000000_20250619T101603_eval17.json')
        elif kind == 'changed':
            body[len(body) // 2] ^= 1
        elif kind == 'empty':
            body = b''
        self.send_response(200)
        for header in issuer[:1]:
            self.send_header(header, chain(issuer[1]))
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body[:len(body) // 2] if kind == 'cut' else body)
        self.close_connection = kind == 'cut'

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
