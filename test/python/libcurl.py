"""The libcurl that the extension is linked with."""

import ctypes
import re


def version():
    """Its version: two numbers."""
    library = ctypes.CDLL("libcurl.so.4")
    library.curl_version.restype = ctypes.c_char_p
    found = re.match(rb"libcurl/(\d+)\.(\d+)", library.curl_version())
    return (int(found[1]), int(found[2]))
