package hostos

import (
	"context"
	"os"
	"strconv"
	"strings"
)

// User is a line of the passwd database.
type User struct {
	Name, Password     string
	UID, GID           int
	Gecos, Home, Shell string
}

// Group is a line of the group database.
type Group struct {
	Name    string
	GID     int
	Members []string
}

// The databases' files. Variables for tests.
var (
	passwdFile = "/etc/passwd"
	groupFile  = "/etc/group"
)

func parseUser(line string) (User, bool) {
	f := strings.Split(strings.TrimRight(line, "\n"), ":")
	if len(f) < 7 {
		return User{}, false
	}
	uid, err1 := strconv.Atoi(f[2])
	gid, err2 := strconv.Atoi(f[3])
	return User{f[0], f[1], uid, gid, f[4], f[5], f[6]}, err1 == nil && err2 == nil
}

func parseGroup(line string) (Group, bool) {
	f := strings.Split(strings.TrimRight(line, "\n"), ":")
	if len(f) < 4 {
		return Group{}, false
	}
	gid, err := strconv.Atoi(f[2])
	g := Group{Name: f[0], GID: gid}
	if f[3] != "" {
		g.Members = strings.Split(f[3], ",")
	}
	return g, err == nil
}

// lookup searches a database: its file first, then getent, which knows the network's users.
func lookup[T any](file, database, key string, parse func(string) (T, bool), match func(T) bool) (T, bool) {
	data, _ := os.ReadFile(file)
	for line := range strings.Lines(string(data)) {
		if v, ok := parse(line); ok && match(v) {
			return v, true
		}
	}
	var none T
	if localOnly(database) || key == "" {
		return none, false
	}
	bin := FindBin("getent")
	if bin == "" {
		return none, false
	}
	out, err := Run(context.Background(), Cmd{Args: []string{bin, database, key}})
	if err != nil || out.RC != 0 {
		return none, false
	}
	v, ok := parse(out.Stdout)
	return v, ok && match(v)
}

// localOnly says that nsswitch.conf names no other source than files for a database, so that asking getent is in vain.
func localOnly(database string) bool {
	data, err := os.ReadFile("/etc/nsswitch.conf")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), database+":"); ok {
			for _, w := range strings.Fields(rest) {
				if w != "files" {
					return false
				}
			}
			return true
		}
	}
	return false
}

// LookupUser finds a user by name.
func LookupUser(name string) (User, bool) {
	return lookup(passwdFile, "passwd", name, parseUser, func(u User) bool { return u.Name == name })
}

// LookupUID finds a user by number.
func LookupUID(uid int) (User, bool) {
	return lookup(passwdFile, "passwd", strconv.Itoa(uid), parseUser, func(u User) bool { return u.UID == uid })
}

// LookupGroup finds a group by name.
func LookupGroup(name string) (Group, bool) {
	return lookup(groupFile, "group", name, parseGroup, func(g Group) bool { return g.Name == name })
}

// LookupGID finds a group by number.
func LookupGID(gid int) (Group, bool) {
	return lookup(groupFile, "group", strconv.Itoa(gid), parseGroup, func(g Group) bool { return g.GID == gid })
}

// UserName is the name of a user, or the number as text.
func UserName(uid int) string {
	if u, ok := LookupUID(uid); ok {
		return u.Name
	}
	return strconv.Itoa(uid)
}

// GroupName is the name of a group, or the number as text.
func GroupName(gid int) string {
	if g, ok := LookupGID(gid); ok {
		return g.Name
	}
	return strconv.Itoa(gid)
}

// Groups are all groups of the file database and, where there are others, of getent.
func Groups() []Group {
	text, _ := os.ReadFile(groupFile)
	if !localOnly("group") {
		if bin := FindBin("getent"); bin != "" {
			if out, err := Run(context.Background(), Cmd{Args: []string{bin, "group"}}); err == nil && out.RC == 0 {
				text = []byte(out.Stdout)
			}
		}
	}
	var list []Group
	for line := range strings.Lines(string(text)) {
		if g, ok := parseGroup(line); ok {
			list = append(list, g)
		}
	}
	return list
}
