package packages

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// fromFile installs a package file, which may lie behind a URL.
func (a *aptCall) fromFile(deb string) (module.Result, error) {
	if strings.Contains(deb, "://") {
		dir, err := os.MkdirTemp(a.TmpDir, "deb")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		to := filepath.Join(dir, path.Base(deb))
		out, err := a.exec("/usr/lib/apt/apt-helper", "download-file", deb, to)
		if err != nil {
			return nil, err
		}
		if out.RC != 0 {
			return nil, module.Fail(fmt.Sprintf("Failed to download %s: %s", deb, strings.TrimSpace(out.Err())), nil)
		}
		if err := os.Chmod(dir, 0o755); err != nil { // apt's own user reads it
			return nil, err
		}
		deb = to
	}
	if _, err := os.Stat(deb); err != nil {
		return nil, module.Fail(fmt.Sprintf("Unable to install package: E:Could not open file %s - open (2: No such file or directory)", deb), nil)
	}
	abs, err := filepath.Abs(deb)
	if err != nil {
		return nil, err
	}
	info, err := a.exec("dpkg-deb", "-f", abs, "Package", "Version", "Architecture")
	if err != nil {
		return nil, err
	}
	if info.RC != 0 {
		why := strings.TrimSpace(info.Err())
		if strings.Contains(why, "is not a Debian format archive") {
			why = "E:Invalid archive signature"
		}
		return nil, module.Fail("Unable to install package: "+why, nil)
	}
	fields := map[string]string{}
	for line := range strings.Lines(info.Stdout) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), ": ")
		fields[k] = v
	}
	if a.dpkg, err = readDpkg(); err != nil {
		return nil, module.Fail("cannot read dpkg's database: "+err.Error(), nil)
	}
	if p, ok := a.dpkg[fields["Package"]]; ok && p.full && p.version == fields["Version"] {
		return module.Result{"changed": false, "stdout": "", "stderr": "", "diff": map[string]any{}}, nil
	} else if ok && p.full && !a.Bool("allow_downgrade") && !a.Bool("force") && a.versionFits(p.version, wish{op: ">=", version: fields["Version"]}) {
		return nil, module.Fail("A later version is already installed", nil)
	}
	r, err := a.aptInstall([]string{abs}, "present")
	if err != nil {
		return r, err
	}
	delete(r, "cache_updated")
	delete(r, "cache_update_time")
	return r, nil
}

const policyFile = "/usr/sbin/policy-rc.d"

// policyRC keeps packages from starting services while they are installed. The returned function puts things back.
func (a *aptCall) policyRC() (func(), error) {
	if !a.Has("policy_rc_d") || a.Check {
		return func() {}, nil
	}
	old, err := os.ReadFile(policyFile)
	had := err == nil
	text := "#!/bin/sh\nexit " + strconv.FormatInt(a.Int("policy_rc_d"), 10) + "\n"
	if err := hostos.WriteFile(policyFile, []byte(text), false); err != nil {
		return nil, module.Fail("Failed to run invoke-rc.d: "+err.Error(), nil)
	}
	if err := os.Chmod(policyFile, 0o755); err != nil {
		return nil, module.Fail(hostos.Errno(err), nil)
	}
	return func() {
		var err error
		if had {
			err = hostos.WriteFile(policyFile, old, false)
		} else {
			err = os.Remove(policyFile)
		}
		if err != nil {
			a.Warn("could not restore " + policyFile + ": " + err.Error())
		}
	}, nil
}
