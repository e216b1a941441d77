# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Reading the small files that facts come from."""
import fcntl
import os


def get_file_content(path, default=None, strip=True):
    """Content of a file, default when it is unreadable or empty."""
    try:
        if os.path.exists(path) and os.access(path, os.R_OK):
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            with os.fdopen(fd, errors='surrogateescape') as f:
                fcntl.fcntl(f.fileno(), fcntl.F_SETFL, fcntl.fcntl(f.fileno(), fcntl.F_GETFL) | os.O_NONBLOCK)
                data = f.read()
            if strip:
                data = data.strip()
            return data or default
    except Exception:
        pass
    return default


def get_file_lines(path, strip=True, line_sep=None):
    data = get_file_content(path, strip=strip)
    if not data:
        return []
    if line_sep is None:
        return data.splitlines()
    return data.rstrip(line_sep).split(line_sep) if len(line_sep) == 1 else data.split(line_sep)


def get_mount_size(mountpoint):
    """Sizes of a file system in bytes, blocks and inodes."""
    try:
        s = os.statvfs(mountpoint)
    except OSError:
        return {}
    return dict(size_total=s.f_frsize * s.f_blocks, size_available=s.f_frsize * s.f_bavail, block_size=s.f_bsize, block_total=s.f_blocks, block_available=s.f_bavail,
                block_used=s.f_blocks - s.f_bavail, inode_total=s.f_files, inode_available=s.f_favail, inode_used=s.f_files - s.f_favail)
