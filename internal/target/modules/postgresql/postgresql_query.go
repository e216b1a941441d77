package postgresql

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// postgresqlQuery has the options of community.postgresql 2.
var postgresqlQuery = &module.Module{
	Name: "community.postgresql.postgresql_query",
	Doc:  "Runs statements in a database of PostgreSQL and returns what they answer.",
	Spec: module.Spec{
		Options: postgresOptions(
			module.Option{Name: "as_single_query", Type: module.TypeBool, Default: true},
			module.Option{Name: "autocommit", Type: module.TypeBool, Default: false},
			module.Option{Name: "db", Aliases: []string{"login_db"}},
			module.Option{Name: "encoding"},
			module.Option{Name: "named_args", Type: module.TypeDict},
			module.Option{Name: "path_to_script", Type: module.TypePath},
			module.Option{Name: "positional_args", Type: module.TypeList, Elements: module.TypeRaw},
			module.Option{Name: "query", Type: module.TypeRaw},
			module.Option{Name: "search_path", Type: module.TypeList, Elements: module.TypeStr},
			module.Option{Name: "session_role"},
			module.Option{Name: "trust_input", Type: module.TypeBool, Default: true},
		),
		Rules:     module.Rules{MutuallyExclusive: [][]string{{"positional_args", "named_args"}}},
		CheckMode: true,
	},
	Run: runPostgresqlQuery,
}

// utf8Names are names of the encoding that everything here is read in.
var utf8Names = regexp.MustCompile(`(?i)^(utf-?8|unicode)$`)

func runPostgresqlQuery(ctx context.Context, c *module.Call) (module.Result, error) {
	if e := c.Str("encoding"); e != "" && !utf8Names.MatchString(e) {
		return nil, &module.NotNative{Reason: "text in " + e}
	}
	queries, err := queriesOf(c)
	if err != nil {
		return nil, err
	}
	params, err := postgresLogin(c, c.Str("db"))
	if err != nil {
		return nil, err
	}
	if c.Str("db") == "" {
		c.Warn("Database name has not been passed, used default database to connect to.")
	}
	p, err := openPostgres(ctx, c, params, c.Bool("autocommit"))
	if err != nil {
		return nil, err
	}
	defer p.close()
	if path := c.Strings("search_path"); len(path) > 0 {
		for i := range path {
			path[i] = strings.Trim(path[i], " ")
		}
		if _, err := p.exec(ctx, "SET search_path TO "+strings.Join(path, ","), nil); err != nil {
			return nil, module.Fail("Cannot set search_path: "+err.Error(), nil)
		}
	}
	args := queryArgs(c)
	r := module.Result{"changed": false, "query_list": queries, "statusmessage": ""}
	all, rows := []any{}, int64(0)
	for _, q := range queries {
		text := module.Text(q)
		answer, err := p.exec(ctx, text, args)
		var found any
		if err == nil {
			if answer.affected() > 0 {
				rows += answer.affected()
			}
			r["statusmessage"] = answer.tag
			found, err = rowsOf(answer)
			if err != nil {
				return nil, module.Fail("Cannot fetch rows from cursor: "+err.Error(), nil)
			}
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if p.conn.IsClosed() {
				return nil, module.Fail(fmt.Sprintf("Cannot execute SQL '%s' %s: %s", text, module.Repr(args), err), nil)
			}
			if err := p.rollback(ctx); err != nil {
				return nil, err
			}
			return nil, module.Fail(fmt.Sprintf("Cannot execute SQL '%s' %s: %s, query list: %s", text, module.Repr(args), err, module.Repr(queries)), nil)
		}
		all = append(all, found)
		r["query_result"] = found
		if tagChanges(answer.tag) {
			r["changed"] = true
		}
	}
	r["query"], r["query_all_results"], r["rowcount"] = p.sent, all, rows
	if c.Check {
		return r, p.rollback(ctx)
	}
	return r, p.commit(ctx)
}

// queriesOf are the texts to send, one after the other.
func queriesOf(c *module.Call) ([]any, error) {
	script, query := c.Str("path_to_script"), c.Args["query"]
	list, isList := query.([]any)
	text, isText := query.(string)
	given := isText && text != "" || len(list) > 0 || query != nil && !isText && !isList
	if given && !isText && !isList {
		return nil, module.Fail("query argument must be of type string or list", nil)
	}
	if err := distrust(c, c.Str("session_role")); err != nil {
		return nil, err
	}
	if c.Bool("autocommit") && c.Check {
		return nil, module.Fail("Using autocommit is mutually exclusive with check_mode", nil)
	}
	if script != "" && given {
		return nil, module.Fail("path_to_script is mutually exclusive with query", nil)
	}
	switch {
	case script != "":
		return scriptQueries(c, script)
	case isText:
		return []any{text}, nil
	case isList:
		return list, nil
	}
	return nil, module.Fail("there is neither query nor path_to_script", nil)
}

func scriptQueries(c *module.Call, script string) ([]any, error) {
	outdated := func(option string) {
		c.Deprecations = append(c.Deprecations, map[string]any{
			"msg":     "The '" + option + "' option is deprecated. Please use the 'community.postgresql.postgresql_script' module to execute statements from scripts",
			"version": "3.0.0", "collection_name": "community.postgresql",
		})
	}
	outdated("path_to_script")
	data, err := os.ReadFile(script)
	if err != nil {
		return nil, module.Fail("Cannot read file '"+script+"' : "+strings.Replace(hostos.Errno(err), ": b'", ": '", 1), nil)
	}
	if c.Bool("as_single_query") {
		return []any{string(data)}, nil
	}
	outdated("as_single_query")
	if !strings.Contains(string(data), ";") {
		return []any{string(data)}, nil
	}
	var queries []any
	for q := range strings.SplitSeq(string(data), ";") {
		if strings.Trim(q, " \n\t") != "" {
			queries = append(queries, q)
		}
	}
	return queries, nil
}

// queryArgs are what stands for the placeholders; lists become texts of arrays. nil when there is nothing.
func queryArgs(c *module.Call) any {
	if list, ok := c.Args["positional_args"].([]any); ok && len(list) > 0 {
		for i := range list {
			list[i] = arrayText(list[i])
		}
		return list
	}
	if dict, ok := c.Args["named_args"].(map[string]any); ok && len(dict) > 0 {
		for k := range dict {
			dict[k] = arrayText(dict[k])
		}
		return dict
	}
	return nil
}

func arrayText(v any) any {
	if list, ok := v.([]any); ok {
		return "{" + strings.Trim(module.Repr(list), "[]") + "}"
	}
	return v
}

// rowsOf are the rows as dicts; an empty dict stands for a statement that returns none.
func rowsOf(r *pgResult) (any, error) {
	if r.fields == nil {
		return map[string]any{}, nil
	}
	rows := []any{}
	for _, fields := range r.rows {
		row := map[string]any{}
		for i, raw := range fields {
			v, err := pgValue(r.fields[i].DataTypeOID, raw)
			if err != nil {
				return nil, err
			}
			row[string(r.fields[i].Name)] = v
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// tagChanges reports whether what a server says of a statement means that something is different now.
func tagChanges(tag string) bool {
	if strings.Contains(tag, "SELECT") {
		return false
	}
	if !strings.Contains(tag, "UPDATE") && !strings.Contains(tag, "INSERT") && !strings.Contains(tag, "DELETE") {
		return true
	}
	words := strings.Fields(tag)
	switch len(words) {
	case 3:
		return words[2] != "0"
	case 2:
		return words[1] != "0"
	}
	return true
}
