package postgresql

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/module"
	"github.com/troupe-automation/troupe/test/database"
)

// A server that wants certificates is reached with those that the options name, and who it is, is checked.
func TestTLS(t *testing.T) {
	dir := database.Dir(t)
	sh := func(script string) {
		t.Helper()
		cmd := exec.Command("/bin/sh", "-ec", script)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("no openssl on this machine that makes certificates: %v: %s", err, out)
		}
	}
	address := fmt.Sprintf("127.%d.%d.7", 100+os.Getpid()%100, os.Getpid()/100%250+1)
	sh(`id postgres >/dev/null
for n in ca other; do openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $n.key -out $n.pem -subj /CN=$n -days 2 2>/dev/null; done
sign() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key -out $1.csr -subj "/CN=$2" 2>/dev/null; printf "subjectAltName=IP:` + address + `\n" >ext; openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $1.pem -days 2 -extfile ext 2>/dev/null; }
sign server server; sign client postgres; chown postgres server.key; chmod 600 server.key client.key`)
	database.PostgreSQLWith(t, dir, "-c", "listen_addresses="+address, "-c", "ssl=on", "-c", "ssl_cert_file="+dir+"/server.pem", "-c", "ssl_key_file="+dir+"/server.key", "-c", "ssl_ca_file="+dir+"/ca.pem")
	sh(`printf 'local all all trust\nhostssl all all all cert\n' >pg/pg_hba.conf; psql -q -h $PWD/pg -U postgres -c 'SELECT pg_reload_conf()' >/dev/null
for i in 1 2 3 4 5 6 7 8 9; do psql -h $PWD/pg -U postgres -Atc "SELECT count(*) FROM pg_hba_file_rules" | grep -qx 2 && exit 0; sleep 0.1; done; exit 1`)
	for name, c := range map[string]struct {
		args map[string]any
		want string // in the message; "" is success
	}{
		"all certificates":         {map[string]any{"ssl_mode": "verify-full", "ca_cert": dir + "/ca.pem", "ssl_cert": dir + "/client.pem", "ssl_key": dir + "/client.key"}, ""},
		"by libpq's names":         {map[string]any{"connect_params": map[string]any{"sslmode": "verify-ca", "sslrootcert": dir + "/ca.pem", "sslcert": dir + "/client.pem", "sslkey": dir + "/client.key"}}, ""},
		"another authority":        {map[string]any{"ssl_mode": "verify-ca", "ca_cert": dir + "/other.pem", "ssl_cert": dir + "/client.pem", "ssl_key": dir + "/client.key"}, "certificate"},
		"no certificate":           {map[string]any{"ssl_mode": "require"}, "connection requires a valid client certificate"},
		"nothing protects it":      {map[string]any{"ssl_mode": "disable"}, "no pg_hba.conf entry for host"},
		"a file that is not there": {map[string]any{"ssl_mode": "verify-ca", "ca_cert": dir + "/nonesuch"}, "nonesuch"},
	} {
		t.Run(name, func(t *testing.T) {
			c.args["query"], c.args["db"], c.args["login_host"] = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", "postgres", address
			r := module.Execute(t.Context(), postgresqlQuery, c.args, module.Options{})
			if c.want != "" {
				if msg, _ := r["msg"].(string); r["failed"] != true || !strings.HasPrefix(msg, "unable to connect to database: ") || !strings.Contains(msg, c.want) {
					t.Errorf("result %v", r)
				}
				return
			}
			if fmt.Sprint(r["query_result"]) != "[map[ssl:true]]" {
				t.Errorf("result %v", r)
			}
		})
	}
}
