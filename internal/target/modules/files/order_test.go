package files

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/module"
)

// TestOrder: keys come in the order of Ansible's modules, which is seen where a result is looped over. The wanted texts were printed
// by ansible-core 2.18, with every value as null.
func TestOrder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "c"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	reg := module.NewRegistry(All)
	for _, c := range []struct{ name, args, want string }{
		{"file", `{"state":"directory","path":"@DIR@/d"}`, `path changed diff{before{path state}after{path state}}uid gid owner group mode state size invocation{module_args{state path recurse force follow modification_time_format access_time_format unsafe_writes _original_basename _diff_peek src modification_time access_time mode owner group seuser serole selevel setype attributes}}`},
		{"stat", `{"path":"@DIR@/c","get_attributes":false,"get_mime":false}`, `changed stat{exists path mode isdir ischr isblk isreg isfifo islnk issock uid gid size inode dev nlink atime mtime ctime wusr rusr xusr wgrp rgrp xgrp woth roth xoth isuid isgid blocks block_size device_type readable writeable executable pw_name gr_name checksum}`},
		{"stat", `{"path":"@DIR@/none"}`, `changed stat{exists}invocation{module_args{path follow get_checksum get_mime get_attributes checksum_algorithm}}`},
		{"find", `{"paths":["@DIR@"],"contains":"x","patterns":["*"]}`, `files[{path mode isdir ischr isblk isreg isfifo islnk issock uid gid size inode dev nlink atime mtime ctime gr_name pw_name wusr rusr xusr wgrp rgrp xgrp woth roth xoth isuid isgid}]changed msg matched examined skipped_paths{}invocation{module_args{paths[]contains patterns[]read_whole_file file_type age_stamp recurse hidden follow get_checksum use_regex exact_mode excludes age size depth mode encoding limit}}`},
	} {
		raw := strings.ReplaceAll(c.args, "@DIR@", dir)
		args, err := module.DecodeJSON([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		m := reg.Lookup("ansible.builtin." + c.name)
		opts := module.Options{NoInvocation: !strings.Contains(c.want, "invocation")}
		b, err := m.Encode(module.Execute(t.Context(), m, args.(map[string]any), opts), json.RawMessage(raw))
		if err != nil {
			t.Fatal(err)
		}
		if got := keysOf(t, b); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// keysOf is the JSON without values, punctuation between keys a space.
func keysOf(t *testing.T, b []byte) string {
	t.Helper()
	var out strings.Builder
	var write func(dec *json.Decoder, key string)
	write = func(dec *json.Decoder, key string) {
		tok, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		d, ok := tok.(json.Delim)
		if !ok {
			out.WriteString(key)
			if key != "" {
				out.WriteByte(' ')
			}
			return
		}
		out.WriteString(key)
		out.WriteString(d.String())
		for dec.More() {
			if d == '{' {
				k, _ := dec.Token()
				write(dec, k.(string))
			} else {
				write(dec, "")
			}
		}
		end, _ := dec.Token()
		text := strings.TrimSuffix(out.String(), " ")
		out.Reset()
		out.WriteString(text + end.(json.Delim).String())
	}
	write(json.NewDecoder(bytes.NewReader(b)), "")
	return strings.TrimSuffix(strings.TrimPrefix(out.String(), "{"), "}")
}
