"""A thousand random requests, signed by us and by botocore: the same signature.

botocore has two signers: its own in Python, and, where the module awscrt is
there, AWS's in C. Each judges every request it can take.
"""

import datetime
import json
import os
import random
import re
import subprocess
import sys
import types

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DRIVER = os.path.join(ROOT, 'test', 'unit', 'sigv4')
COUNT = 1000
SEED = 20261123

UNRESERVED = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~'
TOKEN = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-'
SEGMENTS = ['', '', '.', '..', '...', 'a', 'fhir', '%20', '%2F', '%2e%2e', 'caf%C3%A9', '100%',
            'r4 b', 'a+b', "o'hara", '(x)', 'k=v', 'a:b', 'p;q', '@', '$metadata', 'Köln', '日本',
            '~user', '*', ',', '!', '&']
REGIONS = ['us-east-1', 'eu-west-2', 'us-gov-west-1', 'cn-north-1', 'ap-southeast-2', 'aws-global']
SERVICES = ['healthlake', 'healthlake', 'sts', 'service']
HOSTS = ['healthlake.us-east-1.amazonaws.com', 'Example.COM', 'localhost', '127.0.0.1', '[::1]',
         '[2001:DB8::7]', 'datatransformation.healthlake.eu-west-2.amazonaws.com']
# Headers that all signers omit: botocore's list has grown since Debian's version.
LEFT_OUT = ['User-Agent', 'Expect', 'x-amzn-trace-id']


class Generator:
    """Generates random requests, the same ones from the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self, alphabet, least, most):
        return ''.join(self.random.choices(alphabet, k=self.random.randint(least, most)))

    def path(self):
        segments = [self.random.choice(SEGMENTS) if self.random.random() < 0.7
                    else self.text(UNRESERVED, 1, 8) for _ in range(self.random.randint(0, 6))]
        return '/' + '/'.join(segments)

    def query_part(self):
        """Encodes a text in the canonical form.

        botocore takes the query of a URL as it is, while AWS's published cases (and we) decode
        and encode it again: only where that changes nothing can the two be compared. For the
        same reason every key has its equals sign and no pair is empty.
        """
        part = self.text(UNRESERVED, 0, 6)
        for byte in self.random.choices(range(256), k=self.random.randint(0, 2)):
            part += '%{:02X}'.format(byte) if chr(byte) not in UNRESERVED else chr(byte)
        return part

    def query(self):
        if self.random.random() < 0.4:
            return None
        keys = [self.query_part() or 'k' for _ in range(self.random.randint(1, 3))]
        pairs = [self.random.choice(keys) + '=' + self.query_part()
                 for _ in range(self.random.randint(1, 6))]
        return '&'.join(pairs)

    def blanks(self, least):
        return ''.join(self.random.choices(' \t', [4, 1], k=self.random.randint(least, 3)))

    def value(self):
        words = [self.text(TOKEN + '"\'()<>@,;:\\/[]?={}%', 1, 9)
                 for _ in range(self.random.randint(0, 4))]
        value = self.blanks(0)
        for word in words:
            value += word + self.blanks(1)
        return value

    def headers(self):
        names = ['X-' + self.text(TOKEN, 1, 12) for _ in range(self.random.randint(0, 5))]
        names += self.random.sample(['Content-Type', 'X-Amz-Target', 'Accept', 'amz-sdk-request'],
                                    self.random.randint(0, 4))
        names += self.random.choices(names, k=self.random.randint(0, 3)) if names else []
        names += self.random.sample(LEFT_OUT, self.random.randint(0, 3))
        self.random.shuffle(names)
        return [[self.random.choice([name, name.lower(), name.upper()]), self.value()]
                for name in names]

    def url(self):
        tls = self.random.random() < 0.7
        port = self.random.choice([None, None, 80, 443, 8443])
        return '{}://{}{}'.format('https' if tls else 'http', self.random.choice(HOSTS),
                                  ':{}'.format(port) if port else '')

    def request(self):
        return {
            'url': self.url(),
            'method': self.random.choice(['POST', 'POST', 'GET', 'PUT', 'DELETE', 'PATCH']),
            'path': self.path(),
            'query': self.query(),
            'headers': self.headers(),
            'body': self.random.choice(['', '{}', self.text('{}":, \n\r\té日🏥abc', 0, 300)]),
            'sign_body': self.random.random() < 0.2,
            'region': self.random.choice(REGIONS + [self.text(TOKEN, 1, 20)]),
            'service': self.random.choice(SERVICES),
            'seconds': self.random.randint(0, 4102444800),
            'credentials': {
                'access_key_id': 'AKIA' + self.text('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 1, 20),
                'secret_access_key': self.text(TOKEN + '/+=', 1, 90),
                'token': self.text(TOKEN + '/+=', 40, 400) if self.random.random() < 0.5 else None,
            },
        }


def host_header(url):
    """The Host header: in lower case, without the default port."""
    scheme, host = url.split('://')
    return re.sub({'https': ':443$', 'http': ':80$'}[scheme], '', host.lower())


def sign_ours(requests):
    """The extension's signatures, by the driver's batch mode."""
    lines = []
    for request in requests:
        line = dict(request, timestamp='')
        line['headers'] = request['headers'] + [['Host', host_header(request['url'])]]
        lines.append(json.dumps({k: v for k, v in line.items() if v is not None}))
    done = subprocess.run([DRIVER, '--stdin'], input='\n'.join(lines) + '\n', text=True,
                          stdout=subprocess.PIPE, check=True, encoding='utf-8')
    return done.stdout.splitlines()


def stop_clock(module, seconds):
    """Sets the time of a module of botocore."""
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)

    class Stopped(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return moment

    module.datetime = types.SimpleNamespace(datetime=Stopped, timezone=datetime.timezone)
    if hasattr(module, 'get_current_datetime'):
        module.get_current_datetime = lambda remove_tzinfo=True: (
            moment if remove_tzinfo else moment.replace(tzinfo=datetime.timezone.utc))


def sign_theirs(signer, module, request):
    """The signature of botocore."""
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    import hashlib

    url = request['url'] + request['path']
    if request['query'] is not None:
        url += '?' + request['query']
    body = request['body'].encode()
    theirs = AWSRequest(method=request['method'], url=url, data=body)
    for name, value in request['headers']:
        theirs.headers[name] = value
    if request['sign_body']:
        theirs.headers['X-Amz-Content-SHA256'] = hashlib.sha256(body).hexdigest()
    keys = request['credentials']
    credentials = Credentials(keys['access_key_id'], keys['secret_access_key'], keys['token'])
    stop_clock(module, request['seconds'])
    signer(credentials, request['service'], request['region']).add_auth(theirs)
    return theirs.headers['Authorization']


def python_signer():
    """botocore's signer in Python."""
    import botocore.auth
    return botocore.auth.SigV4Auth, botocore.auth


def crt_signer():
    """AWS's signer in C, by botocore; None if awscrt is not installed."""
    try:
        import awscrt.auth
        import awscrt.http
        import botocore.compat
        botocore.compat.awscrt = awscrt
        import botocore.crt.auth
    except ImportError:
        return None
    return botocore.crt.auth.CrtSigV4Auth, botocore.crt.auth


def judge(name, signer, requests, ours, number):
    """One line of TAP for every hundred requests."""
    for start in range(0, COUNT, 100):
        number += 1
        title = 'requests {} to {} are signed as {} does'.format(start + 1, start + 100, name)
        if signer is None:
            print('ok {} - {} # SKIP awscrt is not there'.format(number, title))
            continue
        wrong = []
        for i in range(start, start + 100):
            theirs = sign_theirs(*signer, requests[i])
            if theirs != ours[i]:
                wrong.append((requests[i], ours[i], theirs))
        print('{}ok {} - {}'.format('not ' if wrong else '', number, title))
        for request, mine, theirs in wrong[:3]:
            print('#  request: {}\n#     ours: {}\n#   theirs: {}'.format(
                json.dumps(request), mine, theirs))
    return number


def main():
    os.environ['BOTO_DISABLE_CRT'] = 'true'
    subprocess.run(['make', '-s', '-C', ROOT, 'test/unit/sigv4'], check=True, stdout=sys.stderr)
    try:
        import botocore  # noqa: F401 (only whether it is there)
    except ImportError:
        print('1..0 # SKIP python3-botocore is not there')
        return
    generator = Generator(SEED)
    requests = [generator.request() for _ in range(COUNT)]
    ours = sign_ours(requests)
    number = judge("botocore's Python", python_signer(), requests, ours, 0)
    number = judge("AWS's C", crt_signer(), requests, ours, number)
    print('1..{}'.format(number))


if __name__ == '__main__':
    main()
