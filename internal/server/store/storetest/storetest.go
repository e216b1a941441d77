// Package storetest is what every dialect of the store must do; the dialects' own tests call it.
package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"testing"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// Exercise runs the suite on an empty database.
func Exercise(t *testing.T, db *store.DB) {
	ctx := t.Context()
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	if steps, err := db.Plan(ctx); err != nil || len(steps) != 0 {
		t.Fatalf("a migrated database has steps left: %v %v", steps, err)
	}
	write := func(f func(tx *store.Tx) error) {
		t.Helper()
		if err := db.Write(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	org := domain.Record{"name": "Ops"}
	inv := domain.Record{"name": "Prod"}
	write(func(tx *store.Tx) error {
		if err := tx.Insert("organization", org); err != nil {
			return err
		}
		inv["organization"] = org.ID()
		if err := tx.Insert("inventory", inv); err != nil {
			return err
		}
		for _, name := range []string{"web1", "web2", "Db_1"} {
			if err := tx.Insert("host", domain.Record{"name": name, "inventory": inv.ID(), "enabled": name != "web2"}); err != nil {
				return err
			}
		}
		return nil
	})

	t.Run("records come back as they went", func(t *testing.T) {
		rec, err := db.Read(ctx).One("host", store.Is("name", "web1"))
		if err != nil {
			t.Fatal(err)
		}
		if rec["enabled"] != true || rec.Int("inventory") != inv.ID() || rec["last_job"] != nil || rec["variables"] != "" {
			t.Errorf("got %v", rec)
		}
		if raw, is := rec["ansible_facts"].(json.RawMessage); !is || string(raw) != "{}" {
			t.Errorf("facts are %v", rec["ansible_facts"])
		}
	})

	t.Run("filters", func(t *testing.T) {
		for _, c := range []struct{ query, want string }{
			{"name=web1", "web1"}, {"name__iexact=WEB1", "web1"}, {"name__contains=eb", "web1 web2"}, {"name__contains=EB", ""}, {"name__icontains=EB", "web1 web2"},
			{"name__startswith=web", "web1 web2"}, {"name__endswith=_1", "Db_1"}, {"name__iendswith=B_1", "Db_1"}, {"name__icontains=%25", ""}, {"name__regex=^web[12]$", "web1 web2"}, {"name__iregex=^DB", "Db_1"},
			{"name__in=web1,Db_1", "web1 Db_1"}, {"not__name=web1", "web2 Db_1"}, {"or__name=web1&or__name=web2", "web1 web2"}, {"enabled=false", "web2"}, {"last_job__isnull=true", "web1 web2 Db_1"},
			{"inventory__organization__name=Ops", "web1 web2 Db_1"}, {"inventory__name=none", ""}, {"search=web", "web1 web2"}, {"created__gt=2020-01-01", "web1 web2 Db_1"}, {"id__gt=0&enabled=true", "web1 Db_1"},
		} {
			q, err := url.ParseQuery(c.query)
			if err != nil {
				t.Fatal(err)
			}
			where, err := db.Filter(domain.Of("host"), q)
			if err != nil {
				t.Errorf("%s: %v", c.query, err)
				continue
			}
			rows, err := db.Read(ctx).List(domain.Of("host"), where, store.Page{})
			got := ""
			for _, r := range rows {
				if got != "" {
					got += " "
				}
				got += r.Str("name")
			}
			if err != nil || got != c.want {
				t.Errorf("%s: got %q, want %q (%v)", c.query, got, c.want, err)
			}
		}
		for _, query := range []string{"nosuch=1", "name__foo=1", "id=abc", "enabled=maybe", "name__regex=(", "name__in=", "inventory__nosuch=1", "a__b__c__d__e__f__g=1", "created__gt=tomorrow"} {
			q, err := url.ParseQuery(query)
			if err != nil {
				t.Fatal(err)
			}
			var refused *store.FilterError
			if _, err := db.Filter(domain.Of("host"), q); !errors.As(err, &refused) {
				t.Errorf("%s: %v", query, err)
			}
		}
		for r, query := range map[domain.Type]string{"user": "password__startswith=x", "credential": "inputs__contains=x", "o_auth2_access_token": "token_hash=x", "job": "start_args__contains=x", "organization": "created_by__password__startswith=x"} {
			q, err := url.ParseQuery(query)
			if err != nil {
				t.Fatal(err)
			}
			var refused *store.FilterError
			if _, err := db.Filter(domain.Of(r), q); !errors.As(err, &refused) || !refused.Forbidden {
				t.Errorf("%s %s is not forbidden: %v", r, query, err)
			}
		}
	})

	t.Run("links, and deletion takes what belongs to a row", func(t *testing.T) {
		g := domain.Record{"name": "web", "inventory": inv.ID()}
		var host domain.Record
		write(func(tx *store.Tx) error {
			var err error
			if host, err = tx.One("host", store.Is("name", "web1")); err != nil {
				return err
			}
			if err := tx.Insert("group", g); err != nil {
				return err
			}
			if err := tx.Link("group.hosts", g.ID(), host.ID()); err != nil {
				return err
			}
			return tx.Link("group.hosts", g.ID(), host.ID())
		})
		if ids, err := db.Read(ctx).Linked("group.hosts", g.ID()); err != nil || !slices.Equal(ids, []int64{host.ID()}) {
			t.Errorf("linked %v %v", ids, err)
		}
		write(func(tx *store.Tx) error { return tx.Delete("group", g.ID()) })
		if ids, _ := db.Read(ctx).LinkedTo("group.hosts", host.ID()); len(ids) != 0 {
			t.Errorf("links of a deleted group: %v", ids)
		}
		write(func(tx *store.Tx) error { return tx.Delete("inventory", inv.ID()) })
		if n, err := db.Read(ctx).Count(domain.Of("host"), store.Condition{}); n != 0 || err != nil {
			t.Errorf("%d hosts outlive their inventory %v", n, err)
		}
	})

	t.Run("unique rows, and a failed transaction leaves nothing", func(t *testing.T) {
		err := db.Write(ctx, func(tx *store.Tx) error {
			if err := tx.Insert("organization", domain.Record{"name": "Half"}); err != nil {
				return err
			}
			return tx.Insert("organization", domain.Record{"name": "Ops"})
		})
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("a second organization Ops: %v", err)
		}
		if _, err := db.Read(ctx).One("organization", store.Is("name", "Half")); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("half of a transaction stayed: %v", err)
		}
	})

	t.Run("templates share their ids", func(t *testing.T) {
		p, j := domain.Record{"name": "p", "organization": org.ID()}, domain.Record{"name": "p", "organization": org.ID()}
		write(func(tx *store.Tx) error {
			if err := tx.Insert("project", p); err != nil {
				return err
			}
			return tx.Insert("job_template", j)
		})
		if p.ID() == j.ID() {
			t.Error("a project and a job template have one id")
		}
		if kind, err := db.Read(ctx).TypeOf("unified_job_template", j.ID()); kind != "job_template" || err != nil {
			t.Errorf("%s %v", kind, err)
		}
	})

	t.Run("events", func(t *testing.T) {
		job := domain.Record{"name": "j", "status": "running"}
		write(func(tx *store.Tx) error {
			if err := tx.Insert("job", job); err != nil {
				return err
			}
			for from := int64(1); from <= 300; from += 150 {
				var batch []store.Event
				for c := from; c < from+150; c++ {
					batch = append(batch, store.Event{Counter: c, Event: "runner_on_ok", HostName: fmt.Sprintf("h%d", c%3), Stdout: fmt.Sprintf("line %d", c), StartLine: c - 1, EndLine: c, Failed: c%100 == 0})
				}
				if err := tx.AppendEvents(job.ID(), batch); err != nil {
					return err
				}
			}
			return nil
		})
		tx := db.Read(ctx)
		list, err := tx.Events(store.EventQuery{Where: store.Where("t.job = ? AND t.failed = 1", job.ID())})
		if err != nil || len(list) != 3 || list[2].Stdout != "line 300" {
			t.Errorf("%d failed events %v", len(list), err)
		}
		n := int64(0)
		err = tx.EachEvent(job.ID(), func(e store.Event) {
			if n++; e.Counter != n {
				t.Fatalf("event %d comes as %d", e.Counter, n)
			}
		})
		if n != 300 || err != nil {
			t.Errorf("%d events %v", n, err)
		}
		if err := db.Write(ctx, func(tx *store.Tx) error { return tx.AppendEvents(job.ID(), []store.Event{{Counter: 300}}) }); !errors.Is(err, store.ErrConflict) {
			t.Errorf("an event can be stored twice: %v", err)
		}
	})

	t.Run("old jobs go in parts, from their end", func(t *testing.T) {
		job, other := domain.Record{"name": "j"}, domain.Record{"name": "other"}
		write(func(tx *store.Tx) error {
			for _, j := range []domain.Record{job, other} {
				if err := tx.Insert("job", j); err != nil {
					return err
				}
				for from := int64(1); from <= 50; from += 10 {
					var batch []store.Event
					for c := from; c < from+10; c++ {
						batch = append(batch, store.Event{Counter: c, Event: "runner_on_ok"})
					}
					if err := tx.AppendEvents(j.ID(), batch); err != nil {
						return err
					}
				}
				for h := range 5 {
					if err := tx.Insert("job_host_summary", domain.Record{"job": j.ID(), "host_name": fmt.Sprint(h)}); err != nil {
						return err
					}
				}
			}
			return tx.Link("unified_job.labels", job.ID(), 77)
		})
		var left []int64
		for more := true; more; {
			write(func(tx *store.Tx) (err error) {
				more, err = tx.DropEvents(job.ID(), 15)
				return err
			})
			n := int64(0)
			if err := db.Read(ctx).EachEvent(job.ID(), func(store.Event) { n++ }); err != nil {
				t.Fatal(err)
			}
			if m, err := db.Read(ctx).CountEvents(store.Is("job", job.ID())); m != n || err != nil {
				t.Errorf("%d rows tell of %d events %v", m, n, err)
			}
			left = append(left, n)
		}
		if !slices.Equal(left, []int64{30, 10, 0, 0}) {
			t.Errorf("events were left: %v", left)
		}
		write(func(tx *store.Tx) error { return tx.DeleteAll("job", []int64{job.ID(), 999999}) })
		if ids, err := db.Read(ctx).Linked("unified_job.labels", job.ID()); len(ids) != 0 || err != nil {
			t.Errorf("links of a deleted job: %v %v", ids, err)
		}
		if n, err := db.Read(ctx).CountEvents(store.Is("job", other.ID())); n != 50 || err != nil {
			t.Errorf("the other job has %d events %v", n, err)
		}
		if n, err := db.Read(ctx).Count(domain.Of("job_host_summary"), store.Is("job", other.ID())); n != 5 || err != nil {
			t.Errorf("the other job has %d summaries %v", n, err)
		}
		if ids, err := db.Read(ctx).IDs(domain.Of("job"), store.IDs("id", []int64{job.ID(), other.ID()}), 10); !slices.Equal(ids, []int64{other.ID()}) || err != nil {
			t.Errorf("jobs %v %v", ids, err)
		}
	})
}
