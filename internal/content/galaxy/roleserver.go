package galaxy

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/troupe-automation/troupe/value"
)

// form is the type of the requests that change something on a server.
const form = "application/x-www-form-urlencoded"

// SearchRoles finds roles: pairs of name and description, and how many there are.
func (s *Server) SearchRoles(ctx context.Context, text, platforms, tags, author string) ([][2]string, int, error) {
	if err := s.open(ctx); err != nil {
		return nil, 0, err
	}
	address, err := s.at("v1", "search", "roles")
	if err != nil {
		return nil, 0, err
	}
	q := url.Values{"page_size": {"1000"}}
	for key, v := range map[string]string{"autocomplete": text, "tags_autocomplete": tags, "platforms_autocomplete": platforms, "username_autocomplete": author} {
		if v != "" {
			q.Set(key, v)
		}
	}
	var doc struct {
		Count   int `json:"count"`
		Results []struct{ Username, Name, Description string }
	}
	if err := s.call(ctx, http.MethodGet, address+"?"+q.Encode(), "", nil, &doc, "Error when searching for roles"); err != nil {
		return nil, 0, err
	}
	var out [][2]string
	for _, r := range doc.Results {
		out = append(out, [2]string{r.Username + "." + r.Name, r.Description})
	}
	return out, doc.Count, nil
}

// results reads the list `results` of an answer.
func results(d *value.Dict) []*value.Dict {
	v, _ := d.GetStr("results")
	l, _ := v.(*value.List)
	if l == nil {
		return nil
	}
	var out []*value.Dict
	for _, e := range l.Elems {
		if d, ok := e.(*value.Dict); ok {
			out = append(out, d)
		}
	}
	return out
}

func (s *Server) send(ctx context.Context, method string, body url.Values, what string, path ...string) (*value.Dict, error) {
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	address, err := s.at("v1", path...)
	if err != nil {
		return nil, err
	}
	kind := ""
	if method == http.MethodGet && len(body) > 0 {
		address += "?" + body.Encode()
		body = nil
	} else if body != nil {
		kind = form
	}
	var raw rawJSON
	if err := s.call(ctx, method, address, kind, []byte(body.Encode()), &raw, what); err != nil {
		return nil, fail("%s", words(err))
	}
	v, err := value.ParseJSON(string(raw))
	if err != nil {
		return nil, fail("Failed to parse Galaxy response from '%s' as JSON", address)
	}
	d, ok := v.(*value.Dict)
	if !ok {
		d = value.NewDict()
	}
	return d, nil
}

// ImportRole makes a server read a role from GitHub, or only shows how the last import went.
func (o *Options) ImportRole(ctx context.Context, s *Server, user, repo, branch, name string, onlyStatus, wait bool) error {
	var list []*value.Dict
	if onlyStatus {
		d, err := s.send(ctx, http.MethodGet, url.Values{"github_user": {user}, "github_repo": {repo}}, "Error when getting imports", "imports")
		if err != nil {
			return err
		}
		list = results(d)
	} else {
		body := url.Values{"github_user": {user}, "github_repo": {repo}, "github_reference": {branch}}
		if name != "" {
			body.Set("alternate_role_name", name)
		}
		d, err := s.send(ctx, http.MethodPost, body, "Error when importing the role", "imports")
		if err != nil {
			return err
		}
		list = results(d)
	}
	if len(list) == 0 {
		return fail("the Galaxy server %s knows no import of %s/%s", s, user, repo)
	}
	id := field(list[0], "id")
	o.Print("Successfully submitted import request " + id)
	if !wait && !onlyStatus {
		o.Print(fmt.Sprintf("Role name: %s\nRepo: %s/%s", repo, user, repo))
		return nil
	}
	shown := map[string]bool{}
	for {
		d, err := s.send(ctx, http.MethodGet, url.Values{"id": {id}}, "Error when getting the import", "imports")
		if err != nil {
			return err
		}
		list = results(d)
		if len(list) == 0 {
			return fail("the Galaxy server %s forgot the import %s", s, id)
		}
		if sf, ok := list[0].GetStr("summary_fields"); ok {
			if sd, ok := sf.(*value.Dict); ok {
				msgs, _ := sd.GetStr("task_messages")
				if l, ok := msgs.(*value.List); ok {
					for _, e := range l.Elems {
						m, ok := e.(*value.Dict)
						if !ok || shown[field(m, "id")] {
							continue
						}
						shown[field(m, "id")] = true
						o.Print(field(m, "message_text"))
					}
				}
			}
		}
		switch field(list[0], "state") {
		case "SUCCESS":
			return nil
		case "FAILED":
			return fail("the import of %s/%s failed", user, repo)
		}
		if onlyStatus {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Second):
		}
	}
}

// DeleteRole removes a role from a server.
func (o *Options) DeleteRole(ctx context.Context, s *Server, user, repo string) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	address, err := s.at("v1", "removerole")
	if err != nil {
		return err
	}
	var doc struct {
		Status  string
		Deleted []struct {
			ID              any `json:"id"`
			Namespace, Name string
		} `json:"deleted_roles"`
	}
	q := url.Values{"github_user": {user}, "github_repo": {repo}}
	if err := s.call(ctx, http.MethodDelete, address+"?"+q.Encode(), "", nil, &doc, "Error when deleting the role"); err != nil {
		return fail("%s", words(err))
	}
	if len(doc.Deleted) > 0 {
		o.Print("Deleted the following roles:")
		o.Print("ID     User            Name")
		o.Print("------ --------------- ----------")
		for _, r := range doc.Deleted {
			o.Print(fmt.Sprintf("%-8v %-15s %s", r.ID, r.Namespace, r.Name))
		}
	}
	o.Print(doc.Status)
	return nil
}

// ListSecrets shows the build services that a server is connected with.
func (o *Options) ListSecrets(ctx context.Context, s *Server) error {
	d, err := s.send(ctx, http.MethodGet, nil, "Error when getting the integrations", "notification_secrets")
	if err != nil {
		return err
	}
	list := results(d)
	if len(list) == 0 {
		o.Print("No integrations found.")
		return nil
	}
	o.Print("\nID         Source     Repo")
	o.Print("---------- ---------- ----------")
	for _, r := range list {
		o.Print(fmt.Sprintf("%-10s %-10s %s/%s", field(r, "id"), field(r, "source"), field(r, "github_user"), field(r, "github_repo")))
	}
	return nil
}

// AddSecret connects a server with a build service.
func (o *Options) AddSecret(ctx context.Context, s *Server, source, user, repo, secret string) error {
	d, err := s.send(ctx, http.MethodPost, url.Values{"source": {source}, "github_user": {user}, "github_repo": {repo}, "secret": {secret}}, "Error when adding the integration", "notification_secrets")
	if err != nil {
		return err
	}
	o.Print(fmt.Sprintf("Added integration for %s %s/%s", source, field(d, "github_user"), field(d, "github_repo")))
	return nil
}

// RemoveSecret ends such a connection.
func (o *Options) RemoveSecret(ctx context.Context, s *Server, id string) error {
	if _, err := s.send(ctx, http.MethodDelete, nil, "Error when removing the integration", "notification_secrets", url.PathEscape(id)); err != nil {
		return err
	}
	o.Print("Secret removed. Integrations using this secret will no longer work.")
	return nil
}
