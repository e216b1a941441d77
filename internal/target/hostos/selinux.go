package hostos

import (
	"context"
	"os"
	"strings"
	"syscall"
)

// SELinuxEnabled says whether the kernel enforces or logs SELinux policy.
func SELinuxEnabled() bool {
	_, err := os.Stat("/sys/fs/selinux/enforce")
	return err == nil
}

const labelAttr = "security.selinux"

// Label is the SELinux context of a file: "user:role:type:level".
func Label(path string) (string, bool) {
	buf := make([]byte, 256)
	n, err := syscall.Getxattr(path, labelAttr, buf)
	if err != nil || n <= 0 {
		return "", false
	}
	return strings.TrimRight(string(buf[:n]), "\x00"), true
}

func copyLabel(from, to string) {
	if l, ok := Label(from); ok && SELinuxEnabled() {
		_ = syscall.Setxattr(to, labelAttr, []byte(l+"\x00"), 0) // a filesystem without labels has nothing to copy
	}
}

// aclAttr holds the access control list of a file that has more than its mode.
const aclAttr = "system.posix_acl_access"

func copyACL(from, to string) {
	buf := make([]byte, 4096)
	n, err := syscall.Getxattr(from, aclAttr, buf)
	if err == nil && n > 0 {
		_ = syscall.Setxattr(to, aclAttr, buf[:n], 0) // where lists cannot be set there was none to read
	}
}

func (a Attrs) applySELinux(ctx context.Context, path string, check bool, d *Diff) (bool, error) {
	if a.SELinux == [4]string{} || !SELinuxEnabled() {
		return false, nil
	}
	current, _ := Label(path)
	have := strings.SplitN(current, ":", 4)
	for len(have) < 4 {
		have = append(have, "")
	}
	want := append([]string(nil), have...)
	var policy []string
	for i, w := range a.SELinux {
		if w == "_default" {
			if policy == nil {
				policy = policyLabel(ctx, path)
			}
			if i < len(policy) {
				want[i] = policy[i]
			}
		} else if w != "" {
			want[i] = w
		}
	}
	to := strings.TrimRight(strings.Join(want, ":"), ":")
	if to == current {
		return false, nil
	}
	d.set("secontext", have, want)
	if check {
		return true, nil
	}
	if err := syscall.Setxattr(path, labelAttr, []byte(to+"\x00"), 0); err != nil {
		return false, failPath(path, "set selinux context failed", ErrText(err.(syscall.Errno)))
	}
	return true, nil
}

// policyLabel asks the policy for the label a path should have.
func policyLabel(ctx context.Context, path string) []string {
	bin := FindBin("matchpathcon")
	if bin == "" {
		return nil
	}
	out, err := Run(ctx, Cmd{Args: []string{bin, "-n", path}})
	if err != nil || out.RC != 0 {
		return nil
	}
	return strings.SplitN(strings.TrimSpace(out.Stdout), ":", 4)
}
