package dispatch

import (
	"fmt"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// defaultForks is how many hosts a run works on at a time when nobody says.
const defaultForks = 50

// places knows where there is room: the instance groups with their limits, their nodes, and who may use which.
type places struct {
	groups  map[int64]*group
	byName  map[string]int64
	asked   map[string]map[int64][]int64 // groups that an object asks for: by relation and object
	noMore  map[int64]bool               // inventories that keep to their own groups
	nodes   map[string]*room
	waiting map[int64]int // jobs in the queue, by group
}

type group struct {
	id             int64
	name           string
	jobs, forks    int64 // limits, 0 for none
	members        []*room
	running, taken int64 // jobs and forks that are waiting or running here
}

// room is what a node has.
type room struct{ total, used int64 }

const (
	ofJob          = "unified_job.instance_groups"
	ofInventory    = "inventory.instance_groups"
	ofOrganization = "organization.instance_groups"
)

// survey reads what there is and counts the jobs that are on their way.
func survey(tx *store.Tx, active []*queued) (*places, error) {
	p := &places{groups: map[int64]*group{}, byName: map[string]int64{}, asked: map[string]map[int64][]int64{}, noMore: map[int64]bool{}, nodes: map[string]*room{}, waiting: map[int64]int{}}
	rows, err := tx.List(domain.Of("instance_group"), store.Condition{}, store.Page{})
	if err != nil {
		return nil, err
	}
	for _, g := range rows {
		p.groups[g.ID()] = &group{id: g.ID(), name: g.Str("name"), jobs: g.Int("max_concurrent_jobs"), forks: g.Int("max_forks")}
		p.byName[g.Str("name")] = g.ID()
	}
	rows, err = tx.List(domain.Of("instance"), store.Where("t.enabled = 1 AND t.node_state = 'ready' AND t.capacity > 0"), store.Page{})
	if err != nil {
		return nil, err
	}
	byID := map[int64]*room{}
	for _, i := range rows {
		r := &room{total: i.Int("capacity")}
		p.nodes[i.Str("hostname")], byID[i.ID()] = r, r
	}
	links := func(relation, where string, f func(from, to int64)) error {
		return tx.Query("SELECT from_id, to_id FROM link WHERE relation = ?"+where+" ORDER BY id", []any{relation}, func(scan func(...any) error) error {
			var from, to int64
			if err := scan(&from, &to); err != nil {
				return err
			}
			f(from, to)
			return nil
		})
	}
	err = links("instance_group.instances", "", func(from, to int64) {
		if g, r := p.groups[from], byID[to]; g != nil && r != nil {
			g.members = append(g.members, r)
		}
	})
	if err != nil {
		return nil, err
	}
	for relation, where := range map[string]string{ofJob: " AND from_id IN (SELECT id FROM unified_job WHERE status = 'pending')", ofInventory: "", ofOrganization: ""} {
		asked := map[int64][]int64{}
		p.asked[relation] = asked
		if err := links(relation, where, func(from, to int64) { asked[from] = append(asked[from], to) }); err != nil {
			return nil, err
		}
	}
	err = tx.Query("SELECT id FROM inventory WHERE prevent_instance_group_fallback = 1", nil, func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		p.noMore[id] = true
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, j := range active {
		switch g := p.groups[j.group]; {
		case j.status == "pending":
			continue
		case g != nil:
			g.running++
			g.taken += j.impact
		}
		switch r := p.nodes[j.node]; {
		case j.status == "waiting":
			p.waiting[j.group]++
		case r != nil:
			r.used++
		}
	}
	return p, nil
}

// wanted are the groups that a job may run in, the best first.
func (p *places) wanted(j *queued) []int64 {
	if j.kind == "project_update" || j.kind == "system_job" {
		return []int64{p.byName["controlplane"]}
	}
	for _, ask := range []struct {
		relation string
		of       int64
	}{{ofJob, j.id}, {ofInventory, j.inventory}, {ofOrganization, j.organization}} {
		if ids := p.asked[ask.relation][ask.of]; len(ids) > 0 {
			if ask.relation == ofJob && !p.noMore[j.inventory] { // what the job does not find there, it may find where its inventory is at home
				ids = append(append(append([]int64{}, ids...), p.asked[ofInventory][j.inventory]...), p.asked[ofOrganization][j.organization]...)
			}
			return ids
		}
		if ask.relation == ofInventory && p.noMore[j.inventory] {
			return nil
		}
	}
	return []int64{p.byName["default"]}
}

// lacking is what AWX says of a job that finds no room; why follows it.
const lacking = "This job is not ready to start because there is not enough available capacity."

// find gives a job its place, or tells why there is none.
func (p *places) find(j *queued) (id int64, why string) {
	why = lacking + " No instance group may run it."
	for _, id := range p.wanted(j) {
		g := p.groups[id]
		if g == nil {
			continue
		}
		var total, used int64
		for _, r := range g.members {
			total += r.total
			used += r.used
		}
		used += int64(p.waiting[id])
		switch {
		case total == 0:
			why = fmt.Sprintf("%s No instance of the instance group %s is there.", lacking, g.name)
		case g.jobs > 0 && g.running >= g.jobs:
			why = fmt.Sprintf("%s The instance group %s runs %d jobs, as many as it may.", lacking, g.name, g.running)
		case g.forks > 0 && g.taken+j.impact > g.forks && g.running > 0:
			why = fmt.Sprintf("%s It needs %d forks, and %d of the %d of the instance group %s are taken.", lacking, j.impact, g.taken, g.forks, g.name)
		case used >= total:
			why = fmt.Sprintf("%s All %d places of the instance group %s are taken.", lacking, total, g.name)
		default:
			g.running++
			g.taken += j.impact
			p.waiting[id]++
			return id, ""
		}
	}
	return 0, why
}
