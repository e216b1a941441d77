# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""HTTP for modules: open_url, fetch_url and their parameters, on urllib."""
import base64
import email.generator
import email.mime.application
import email.mime.multipart
import email.mime.nonmultipart
import email.parser
import email.policy
import email.utils
import http.client as httplib
import http.cookiejar as cookiejar
import io
import mimetypes
import netrc
import os
import platform
import re
import socket
import ssl
import tempfile
import time
import traceback
import types  # noqa: F401
import urllib.error as urllib_error
import urllib.request as urllib_request
from contextlib import contextmanager
from urllib.parse import unquote, urlparse, urlunparse  # noqa: F401

from ansible.module_utils.basic import missing_required_lib  # noqa: F401
from ansible.module_utils.common.collections import Mapping, is_sequence
from ansible.module_utils.common.text.converters import to_bytes, to_native, to_text

HAS_SSL = HAS_SSLCONTEXT = True
HAS_GSSAPI = False
HAS_CRYPTOGRAPHY = False
HTTP_AGENT = 'ansible-httpget'


class ConnectionError(Exception):
    """The server cannot be reached."""


class ProxyError(ConnectionError):
    """The proxy cannot be used."""


class SSLValidationError(ConnectionError):
    """The server's certificate is not valid."""


class NoSSLError(SSLValidationError):
    """There is no SSL."""


class MissingModuleError(Exception):
    """A Python library is missing."""

    def __init__(self, message, import_traceback, module=None):
        super(MissingModuleError, self).__init__(message)
        self.import_traceback = import_traceback
        self.module = module


class ParseResultDottedDict(dict):
    """Parts of a URL, by key or attribute."""

    def __init__(self, *args, **kwargs):
        super(ParseResultDottedDict, self).__init__(*args, **kwargs)
        self.__dict__ = self

    def as_list(self):
        return [self.get(k, None) for k in ('scheme', 'netloc', 'path', 'params', 'query', 'fragment')]


def generic_urlparse(parts):
    d = ParseResultDottedDict()
    for k in ('scheme', 'netloc', 'path', 'params', 'query', 'fragment', 'username', 'password', 'hostname', 'port'):
        d[k] = getattr(parts, k)
    return d


class RequestWithMethod(urllib_request.Request):
    """A request with any method."""

    def __init__(self, url, method, data=None, headers=None, origin_req_host=None, unverifiable=True):
        super(RequestWithMethod, self).__init__(url, data, headers or {}, origin_req_host, unverifiable, method=(method or 'GET').upper())


def _redirects(follow):
    """A handler that follows redirects: 'urllib2', 'all'/True, 'safe', or 'none'/False."""
    class Handler(urllib_request.HTTPRedirectHandler):
        def redirect_request(self, req, fp, code, msg, headers, newurl):
            if follow == 'urllib2':
                return super(Handler, self).redirect_request(req, fp, code, msg, headers, newurl)
            if follow in ('no', 'none', False):
                raise urllib_error.HTTPError(newurl, code, msg, headers, fp)
            method = req.get_method()
            if follow == 'safe' and method not in ('HEAD', 'GET'):
                raise urllib_error.HTTPError(newurl, code, msg, headers, fp)
            if follow not in ('all', 'yes', True, 'safe'):
                raise urllib_error.HTTPError(newurl, code, msg, headers, fp)
            newurl = newurl.replace(' ', '%20')
            data, new_headers = req.data, dict((k, v) for k, v in req.headers.items() if k.lower() != 'host')
            if code not in (307, 308):
                data = None
                new_headers = dict((k, v) for k, v in new_headers.items() if k.lower() not in ('content-length', 'content-type', 'transfer-encoding'))
                if code == 303 and method != 'HEAD' or code in (301, 302) and method == 'POST':
                    method = 'GET'
            if urlparse(newurl).netloc != urlparse(req.full_url).netloc:
                new_headers = dict((k, v) for k, v in new_headers.items() if k.lower() not in ('authorization', 'cookie'))
            return RequestWithMethod(newurl, method, data=data, headers=new_headers, origin_req_host=req.origin_req_host)
        http_error_308 = urllib_request.HTTPRedirectHandler.http_error_302
    return Handler()


class UnixHTTPConnection(httplib.HTTPConnection):
    """HTTP over a socket of this machine."""

    def __init__(self, unix_socket):
        self._unix_socket = unix_socket

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.sock.connect(self._unix_socket)
        except OSError as e:
            raise OSError('Invalid Socket File (%s): %s' % (self._unix_socket, e))
        if self.timeout is not socket._GLOBAL_DEFAULT_TIMEOUT:
            self.sock.settimeout(self.timeout)

    def __call__(self, *args, **kwargs):
        httplib.HTTPConnection.__init__(self, *args, **kwargs)
        return self


class UnixHTTPHandler(urllib_request.HTTPHandler):
    def __init__(self, unix_socket, **kwargs):
        super(UnixHTTPHandler, self).__init__(**kwargs)
        self._unix_socket = unix_socket

    def http_open(self, req):
        return self.do_open(UnixHTTPConnection(self._unix_socket), req)


def make_context(cafile=None, cadata=None, capath=None, ciphers=None, validate_certs=True, client_cert=None, client_key=None):
    """An SSL context; cadata is DER or PEM."""
    context = ssl.create_default_context(cafile=cafile)
    if not validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if cadata:
        context.load_verify_locations(cadata=cadata)
    if ciphers:
        context.set_ciphers(':'.join(map(to_native, ciphers)) if is_sequence(ciphers) else to_native(ciphers))
    if client_cert:
        context.load_cert_chain(client_cert, keyfile=client_key)
    return context


def get_ca_certs(cafile=None, capath=None):
    """The certificates of the system: (cafile, cadata, paths looked at)."""
    if cafile:
        return cafile, None, [cafile]
    paths = ssl.get_default_verify_paths()
    return None, None, [p for p in (paths.cafile, paths.capath) if p]


def basic_auth_header(username, password):
    """The value of an Authorization header."""
    return b"Basic %s" % base64.b64encode(to_bytes("%s:%s" % (username, '' if password is None else password), errors='surrogate_or_strict'))


def rfc2822_date_string(timetuple, zone='-0000'):
    return email.utils.formatdate(time.mktime(timetuple)).replace('-0000', zone)


class Request:
    """Requests with the same settings, and cookies."""

    def __init__(self, headers=None, use_proxy=True, force=False, timeout=10, validate_certs=True, url_username=None, url_password=None, http_agent=None,
                 force_basic_auth=False, follow_redirects='urllib2', client_cert=None, client_key=None, cookies=None, unix_socket=None, ca_path=None,
                 unredirected_headers=None, decompress=True, ciphers=None, use_netrc=True, context=None):
        if headers is not None and not isinstance(headers, Mapping):
            raise ValueError("headers must be a dict")
        self.headers = dict(headers or {})
        self.defaults = dict(
            use_proxy=use_proxy, force=force, timeout=timeout, validate_certs=validate_certs, url_username=url_username, url_password=url_password,
            http_agent=http_agent, force_basic_auth=force_basic_auth, follow_redirects=follow_redirects, client_cert=client_cert, client_key=client_key,
            unix_socket=unix_socket, ca_path=ca_path, unredirected_headers=unredirected_headers, decompress=decompress, ciphers=ciphers, use_netrc=use_netrc, context=context)
        self.cookies = cookies if isinstance(cookies, cookiejar.CookieJar) else cookiejar.CookieJar()

    def __getattr__(self, name):
        try:
            return self.__dict__['defaults'][name]
        except KeyError:
            raise AttributeError(name)

    def open(self, method, url, data=None, headers=None, use_proxy=None, force=None, last_mod_time=None, timeout=None, validate_certs=None, url_username=None,
             url_password=None, http_agent=None, force_basic_auth=None, follow_redirects=None, client_cert=None, client_key=None, cookies=None,
             use_gssapi=False, unix_socket=None, ca_path=None, unredirected_headers=None, decompress=None, ciphers=None, use_netrc=None, context=None):
        """Opens url and returns the response, a file. HTTP errors are urllib.error.HTTPError."""
        given = dict((k, v) for k, v in locals().items() if k in self.defaults and v is not None)
        o = types.SimpleNamespace(**dict(self.defaults, **given))
        if use_gssapi:
            raise MissingModuleError(missing_required_lib('gssapi', reason='for use_gssapi=True'), None, module='gssapi')
        if headers is not None and not isinstance(headers, Mapping):
            raise ValueError("headers must be a dict")
        all_headers = dict(self.headers, **(headers or {}))
        parts = urlparse(url)
        username, password = o.url_username, o.url_password
        if '@' in parts.netloc and parts.scheme != 'ftp':
            credentials, netloc = parts.netloc.rsplit('@', 1)
            if not username:
                name, _, secret = credentials.partition(':')
                username, password = unquote(name), unquote(secret)
            url = urlunparse(parts._replace(netloc=netloc))
            parts = urlparse(url)
        handlers = [_redirects(o.follow_redirects)]
        if o.unix_socket:
            handlers.append(UnixHTTPHandler(o.unix_socket))
        if username and not o.force_basic_auth:
            manager = urllib_request.HTTPPasswordMgrWithDefaultRealm()
            manager.add_password(None, parts.netloc, username, password)
            handlers += [urllib_request.HTTPBasicAuthHandler(manager), urllib_request.HTTPDigestAuthHandler(manager)]
        elif username:
            all_headers["Authorization"] = to_native(basic_auth_header(username, password))
        elif o.use_netrc:
            try:
                found = netrc.netrc(os.environ.get('NETRC')).authenticators(parts.hostname)
            except (IOError, OSError, netrc.NetrcParseError, TypeError):
                found = None
            if found and found[0]:
                all_headers["Authorization"] = to_native(basic_auth_header(found[0], found[2]))
        if not o.use_proxy:
            handlers.append(urllib_request.ProxyHandler({}))
        if o.context is None and parts.scheme == 'https' or o.context is None and o.client_cert:
            o.context = make_context(o.ca_path, None, None, o.ciphers, o.validate_certs, o.client_cert, o.client_key)
        if o.context is not None:
            handlers.append(urllib_request.HTTPSHandler(context=o.context))
        handlers.append(urllib_request.HTTPCookieProcessor(cookies if cookies is not None else self.cookies))
        opener = urllib_request.build_opener(*handlers)
        request = RequestWithMethod(url, method, None if data is None else to_bytes(data, nonstring='passthru'))
        request.add_header('User-agent', o.http_agent or HTTP_AGENT)
        if o.force:
            request.add_header('cache-control', 'no-cache')
        elif last_mod_time:
            request.add_header('If-Modified-Since', last_mod_time.strftime('%a, %d %b %Y %H:%M:%S GMT'))
        if o.decompress and not any(k.lower() == 'accept-encoding' for k in all_headers):
            request.add_header('Accept-encoding', 'gzip')
        stay = [h.lower() for h in o.unredirected_headers or []]
        for name, value in all_headers.items():
            if name.lower() in stay:
                request.add_unredirected_header(name, value)
            else:
                request.add_header(name, value)
        response = opener.open(request, None, o.timeout)
        if o.decompress and response.headers.get('content-encoding', '').lower() == 'gzip':
            import gzip
            plain = gzip.GzipFile(fileobj=io.BytesIO(response.read()))
            response.fp = plain
            response.read = plain.read
            response.length = None
        return response

    def get(self, url, **kwargs):
        return self.open('GET', url, **kwargs)

    def options(self, url, **kwargs):
        return self.open('OPTIONS', url, **kwargs)

    def head(self, url, **kwargs):
        return self.open('HEAD', url, **kwargs)

    def post(self, url, data=None, **kwargs):
        return self.open('POST', url, data=data, **kwargs)

    def put(self, url, data=None, **kwargs):
        return self.open('PUT', url, data=data, **kwargs)

    def patch(self, url, data=None, **kwargs):
        return self.open('PATCH', url, data=data, **kwargs)

    def delete(self, url, **kwargs):
        return self.open('DELETE', url, **kwargs)


def open_url(url, data=None, headers=None, method=None, use_proxy=True, force=False, last_mod_time=None, timeout=10, validate_certs=True, url_username=None,
             url_password=None, http_agent=None, force_basic_auth=False, follow_redirects='urllib2', client_cert=None, client_key=None, cookies=None,
             use_gssapi=False, unix_socket=None, ca_path=None, unredirected_headers=None, decompress=True, ciphers=None, use_netrc=True):
    """Opens url and returns the response, a file."""
    method = method or ('POST' if data else 'GET')
    return Request().open(
        method, url, data=data, headers=headers, use_proxy=use_proxy, force=force, last_mod_time=last_mod_time, timeout=timeout, validate_certs=validate_certs,
        url_username=url_username, url_password=url_password, http_agent=http_agent, force_basic_auth=force_basic_auth, follow_redirects=follow_redirects,
        client_cert=client_cert, client_key=client_key, cookies=cookies, use_gssapi=use_gssapi, unix_socket=unix_socket, ca_path=ca_path,
        unredirected_headers=unredirected_headers, decompress=decompress, ciphers=ciphers, use_netrc=use_netrc)


def url_argument_spec():
    """The parameters of modules that fetch something."""
    return dict(
        url=dict(type='str'), force=dict(type='bool', default=False), http_agent=dict(type='str', default=HTTP_AGENT), use_proxy=dict(type='bool', default=True),
        validate_certs=dict(type='bool', default=True), url_username=dict(type='str'), url_password=dict(type='str', no_log=True),
        force_basic_auth=dict(type='bool', default=False), client_cert=dict(type='path'), client_key=dict(type='path'), use_gssapi=dict(type='bool', default=False))


def url_redirect_argument_spec():
    return dict(follow_redirects=dict(type='str', default='safe', choices=['all', 'no', 'none', 'safe', 'urllib2', 'yes']))


def fetch_url(module, url, data=None, headers=None, method=None, use_proxy=None, force=False, last_mod_time=None, timeout=10, use_gssapi=False, unix_socket=None,
              ca_path=None, cookies=None, unredirected_headers=None, decompress=True, ciphers=None, use_netrc=True):
    """Opens url with the module's parameters. Returns (response or None, info with status, msg, url and headers)."""
    p = module.params
    info = dict(url=url, status=-1)
    response = None
    jar = cookies if cookies is not None else cookiejar.LWPCookieJar()
    if not isinstance(p, dict):
        module.fail_json(msg='internal error: params is not a dict')
    try:
        response = open_url(
            url, data=data, headers=headers, method=method, use_proxy=p.get('use_proxy', True) if use_proxy is None else use_proxy, force=force,
            last_mod_time=last_mod_time, timeout=timeout, validate_certs=p.get('validate_certs', True), url_username=p.get('url_username', ''),
            url_password=p.get('url_password', ''), http_agent=p.get('http_agent', HTTP_AGENT), force_basic_auth=p.get('force_basic_auth', False),
            follow_redirects=p.get('follow_redirects', 'urllib2'), client_cert=p.get('client_cert'), client_key=p.get('client_key'), cookies=jar,
            use_gssapi=p.get('use_gssapi', use_gssapi), unix_socket=unix_socket, ca_path=ca_path, unredirected_headers=unredirected_headers,
            decompress=decompress, ciphers=ciphers, use_netrc=use_netrc)
        info.update((k.lower(), v) for k, v in response.info().items())
        several = {}
        for k, v in response.headers.items():
            several.setdefault(k.lower(), []).append(v)
        info.update((k, ', '.join(v)) for k, v in several.items())
        info['cookies'] = dict((c.name, c.value) for c in jar)
        info['cookies_string'] = '; '.join('%s=%s' % (c.name, c.value) for c in jar)
        info.update(msg="OK (%s bytes)" % response.headers.get('Content-Length', 'unknown'), url=response.geturl(), status=response.code)
    except (ConnectionError, ValueError, MissingModuleError) as e:
        module.fail_json(msg=to_native(e), **info)
    except urllib_error.HTTPError as e:
        response = e
        try:
            body = e.read() if e.fp is not None else ''
        except AttributeError:
            body = ''
        if e.headers:
            info.update((k.lower(), v) for k, v in e.headers.items())
        info.update({'msg': to_native(e), 'body': body, 'status': e.code})
    except urllib_error.URLError as e:
        if isinstance(e.reason, ssl.SSLError) and 'CERTIFICATE_VERIFY_FAILED' in str(e.reason):
            module.fail_json(msg="Failed to validate the SSL certificate for %s. Make sure your managed systems have a valid CA certificate installed. "
                             "You can use validate_certs=False if you do not need to confirm the servers identity but this is unsafe and not recommended. "
                             "The exception msg was: %s." % (urlparse(url).netloc, e.reason), **info)
        info.update(dict(msg="Request failed: %s" % to_native(e), status=int(getattr(e, 'code', -1))))
    except socket.error as e:
        info.update(dict(msg="Connection failure: %s" % to_native(e), status=-1))
    except httplib.BadStatusLine as e:
        info.update(dict(msg="Connection failure: connection was closed before a valid response was received: %s" % to_native(e.line), status=-1))
    except Exception as e:
        info.update(dict(msg="An unknown error occurred: %s" % to_native(e), exception=traceback.format_exc(), status=-1))
    return response, info


def _split_multiext(name, min=3, max=4, count=2):
    """Splits file.tar.gz into 'file' and '.tar.gz'."""
    ext, base = '', name
    for _ in range(count):
        stem, part = os.path.splitext(base)
        if not part or not min <= len(part) <= max or part[1:].isdigit():
            break
        base, ext = stem, part + ext
    return base, ext


def fetch_file(module, url, data=None, headers=None, method=None, use_proxy=True, force=False, last_mod_time=None, timeout=10, unredirected_headers=None,
               decompress=True, ciphers=None):
    """Downloads url into a temporary file and returns its name."""
    name, ext = _split_multiext(os.path.basename(urlparse(url).path))
    out = tempfile.NamedTemporaryFile(dir=module.tmpdir, prefix=name, suffix=ext, delete=False)
    module.add_cleanup_file(out.name)
    try:
        response, info = fetch_url(module, url, data, headers, method, use_proxy, force, last_mod_time, timeout, unredirected_headers=unredirected_headers,
                                   decompress=decompress, ciphers=ciphers)
        if not response or info['status'] >= 400:
            module.fail_json(msg="Failure downloading %s, %s" % (url, info['msg']))
        for block in iter(lambda: response.read(1 << 16), b''):
            out.write(block)
        out.close()
    except Exception as e:
        module.fail_json(msg="Failure downloading %s, %s" % (url, to_native(e)))
    return out.name


def prepare_multipart(fields):
    """Returns (content type, body) of a form with files: name to text, or to dicts of content, filename, mime_type."""
    if not isinstance(fields, Mapping):
        raise TypeError('Mapping is required, cannot be type %s' % fields.__class__.__name__)
    form = email.mime.multipart.MIMEMultipart('form-data')
    for field, value in sorted(fields.items()):
        content, mime, filename, encode = value, None, None, None
        if isinstance(value, Mapping):
            filename, content, mime = value.get('filename'), value.get('content'), value.get('mime_type')
            if not any((filename, content)):
                raise ValueError('at least one of filename or content must be provided')
            mime = mime or (mimetypes.guess_type(filename or '', strict=False)[0] or 'application/octet-stream')
            if content is None:
                with open(to_bytes(filename, errors='surrogate_or_strict'), 'rb') as f:
                    content = f.read()
        elif not isinstance(value, (str, bytes)):
            raise TypeError('value must be a string, or mapping, cannot be type %s' % value.__class__.__name__)
        main, _, sub = (mime or 'text/plain').partition('/')
        part = email.mime.nonmultipart.MIMENonMultipart(main, sub)
        part.set_payload(to_bytes(content).decode('utf-8', 'surrogateescape'))
        part._raw = to_bytes(content)
        del part['MIME-Version']
        part.add_header('Content-Disposition', 'form-data')
        part.set_param('name', field, header='Content-Disposition')
        if filename:
            part.set_param('filename', to_native(os.path.basename(filename)), header='Content-Disposition')
        form.attach(part)
    boundary = email.generator._make_boundary()
    lines = []
    for part in form.get_payload():
        lines.append(b'--' + to_bytes(boundary))
        lines += [to_bytes('%s: %s' % (k, v)) for k, v in part.items()]
        lines += [b'', part._raw]
    lines += [b'--' + to_bytes(boundary) + b'--', b'']
    return 'multipart/form-data; boundary="%s"' % boundary, b'\r\n'.join(lines)


def get_response_filename(response):
    """The name a server suggests for a download."""
    name = response.headers.get_param('filename', header='content-disposition')
    if not name:
        name = os.path.basename(urlparse(response.geturl()).path.rstrip('/')) or None
    else:
        name = os.path.basename(name)
    return unquote(name) if name else None


def get_user_agent():
    return '%s %s' % (HTTP_AGENT, platform.python_version())
