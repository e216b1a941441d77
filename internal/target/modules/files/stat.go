package files

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var stat = &module.Module{
	Name: "ansible.builtin.stat",
	Doc:  "Tells what is known about a path.",
	Spec: module.Spec{
		Options: []module.Option{ // in Ansible's order, in which invocation shows them
			{Name: "path", Type: module.TypePath, Required: true, Aliases: []string{"dest", "name"}},
			{Name: "follow", Type: module.TypeBool, Default: false},
			{Name: "get_checksum", Type: module.TypeBool, Default: true},
			{Name: "get_mime", Type: module.TypeBool, Default: true, Aliases: []string{"mime", "mime_type", "mime-type"}},
			{Name: "get_attributes", Type: module.TypeBool, Default: true, Aliases: []string{"attr", "attributes"}},
			{Name: "checksum_algorithm", Default: "sha1", Choices: []any{"md5", "sha1", "sha224", "sha256", "sha384", "sha512"}, Aliases: []string{"checksum", "checksum_algo"}},
		},
		CheckMode: true,
	},
	Returns: []string{
		"changed", "stat", "exists", "path", "mode", "isdir", "ischr", "isblk", "isreg", "isfifo", "islnk", "issock", "uid", "gid",
		"size", "inode", "dev", "nlink", "atime", "mtime", "ctime", "wusr", "rusr", "xusr", "wgrp", "rgrp", "xgrp", "woth",
		"roth", "xoth", "isuid", "isgid", "blocks", "block_size", "device_type", "readable", "writeable", "executable", "lnk_source", "lnk_target", "pw_name", "gr_name",
		"checksum", "mimetype", "charset", "version", "attributes", "attr_flags",
	},
	Run: runStat,
}

func runStat(ctx context.Context, c *module.Call) (module.Result, error) {
	path := c.Str("path")
	get := os.Lstat
	if c.Bool("follow") {
		get = os.Stat
	}
	info, err := get(path)
	if errors.Is(err, fs.ErrNotExist) {
		return module.Result{"changed": false, "stat": map[string]any{"exists": false}}, nil
	}
	if err != nil {
		return nil, module.Fail(hostos.Strerror(err), nil)
	}
	out := statFacts(path, info)
	out["exists"], out["path"] = true, path
	if info.Mode()&fs.ModeSymlink != 0 {
		out["lnk_source"] = hostos.RealPath(path)
		out["lnk_target"], _ = os.Readlink(path)
	}
	out["readable"], out["writeable"], out["executable"] = access(path, 4), access(path, 2), access(path, 1)
	if c.Bool("get_checksum") && info.Mode().IsRegular() && access(path, 4) {
		if sum, err := hostos.Checksum(path, c.Str("checksum_algorithm")); err == nil {
			out["checksum"] = sum
		}
	}
	if c.Bool("get_mime") {
		out["mimetype"], out["charset"] = mimeOf(ctx, path)
	}
	if c.Bool("get_attributes") {
		out["version"], out["attributes"], out["attr_flags"] = nil, []string{}, ""
		if fl, ok := hostos.FileFlags(ctx, path); ok {
			out["version"], out["attributes"], out["attr_flags"] = fl.Version, hostos.FlagNames(fl.Flags), fl.Flags
		}
	}
	return module.Result{"changed": false, "stat": out}, nil
}

// statFacts are the facts that need nothing but stat(2).
func statFacts(path string, info fs.FileInfo) map[string]any {
	st := info.Sys().(*syscall.Stat_t)
	mode := hostos.Perm(info)
	kind := st.Mode & syscall.S_IFMT
	out := map[string]any{
		"mode": hostos.ModeText(mode), "isdir": kind == syscall.S_IFDIR, "ischr": kind == syscall.S_IFCHR, "isblk": kind == syscall.S_IFBLK,
		"isreg": kind == syscall.S_IFREG, "isfifo": kind == syscall.S_IFIFO, "islnk": kind == syscall.S_IFLNK, "issock": kind == syscall.S_IFSOCK,
		"uid": int64(st.Uid), "gid": int64(st.Gid), "size": st.Size, "inode": int64(st.Ino), "dev": int64(st.Dev), "nlink": int64(st.Nlink),
		"atime": seconds(time.Unix(st.Atim.Unix())), "mtime": seconds(time.Unix(st.Mtim.Unix())), "ctime": seconds(time.Unix(st.Ctim.Unix())),
		"wusr": mode&0o200 != 0, "rusr": mode&0o400 != 0, "xusr": mode&0o100 != 0,
		"wgrp": mode&0o020 != 0, "rgrp": mode&0o040 != 0, "xgrp": mode&0o010 != 0,
		"woth": mode&0o002 != 0, "roth": mode&0o004 != 0, "xoth": mode&0o001 != 0,
		"isuid": mode&0o4000 != 0, "isgid": mode&0o2000 != 0,
		"blocks": st.Blocks, "block_size": int64(st.Blksize), "device_type": int64(st.Rdev),
	}
	if u, ok := hostos.LookupUID(int(st.Uid)); ok {
		out["pw_name"] = u.Name
	}
	if g, ok := hostos.LookupGID(int(st.Gid)); ok {
		out["gr_name"] = g.Name
	}
	return out
}

func access(path string, how uint32) bool { return syscall.Access(path, how) == nil }

// mimeOf asks file(1); without it, or where it knows nothing, both are "unknown".
func mimeOf(ctx context.Context, path string) (mime, charset string) {
	bin := hostos.FindBin("file")
	if bin == "" {
		return "unknown", "unknown"
	}
	args := []string{bin, "--mime-type", "--mime-encoding", path}
	out, err := hostos.Run(ctx, hostos.Cmd{Args: args, Locale: true})
	if err != nil || out.RC != 0 {
		return "unknown", "unknown"
	}
	i := strings.LastIndex(out.Stdout, ": ")
	mime, charset, ok := strings.Cut(strings.TrimSpace(out.Stdout[i+1:]), "; charset=")
	if i < 0 || !ok {
		return "unknown", "unknown"
	}
	return mime, charset
}
