package run

import (
	"context"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/engine/strategy"
)

// free lets every host run through the play on its own, at most forks tasks at a time. With pinned a host keeps its place
// among those at work until it is done (BEHAVIOUR §3.1).
func (p *play) free(pinned bool) error {
	type outcome struct {
		f     finished
		place *strategy.Place
	}
	results := make(chan outcome)
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	busy := map[*hostRun]bool{}
	admitted := map[*hostRun]bool{}
	banner := ""
	running, next := 0, 0
	alone := false // the task at work changes the inventory
	limits := map[*playbook.Task]int{}
	at := map[*playbook.Task]int{} // how many hosts work on a task
	var fatal error
	for {
		progressed := false
		for range p.batch {
			if fatal != nil || p.ctx.Err() != nil || running >= p.Forks || alone {
				break
			}
			h := p.batch[next%len(p.batch)]
			next++
			if busy[h] || !p.takesPart(h) {
				continue
			}
			if pinned && !admitted[h] {
				if len(admitted) >= p.Forks {
					continue
				}
				admitted[h] = true
			}
			place := h.state.Peek(h)
			if place == nil {
				if admitted[h] {
					delete(admitted, h) // another host may take its turn
					h.state.Ended = true
					progressed = true
				}
				continue
			}
			if changesInventory(place.Task) && running > 0 {
				next-- // it waits until nobody reads the inventory
				break
			}
			limit, known := limits[place.Task]
			if !known {
				if limit, fatal = p.throttle(place.Task, h); fatal != nil {
					break
				}
				limits[place.Task] = limit
			}
			if at[place.Task] >= limit {
				continue
			}
			progressed = true
			if place.Task.Action == metaAction {
				if err := p.meta(place, []*hostRun{h}); err != nil {
					fatal = err
				}
				continue
			}
			if bypassesHosts(place.Task) {
				p.warn("The '" + place.Task.ActionAsWritten + "' module bypasses the host loop, which is currently not supported in the free strategy and would instead execute for every host in the inventory list.")
			}
			p.Run.Vars.NextTask()
			info := p.info(place, h)
			if banner != place.Task.Pos.String()+info.Name {
				banner = place.Task.Pos.String() + info.Name
				p.emit(&event.TaskStart{Task: info, Host: h.name})
			}
			p.emit(&event.HostStart{Task: info, Host: event.Host{Name: h.name}})
			busy[h] = true
			at[place.Task]++
			running++
			alone = changesInventory(place.Task)
			job := p.job(h, p.edited(place.Task), info)
			go func() { results <- outcome{finished{h, p.Runner.Run(ctx, job), info}, place} }()
		}
		if running == 0 {
			if fatal != nil {
				return fatal
			}
			if p.ctx.Err() != nil {
				return errStopped
			}
			if !progressed && !p.forceHandlers(nil) {
				return nil
			}
			continue
		}
		o := <-results
		again, err := p.told(o.place, o.f)
		if again != nil {
			go func() { results <- outcome{finished{o.f.host, p.Runner.Run(ctx, *again), o.f.info}, o.place} }()
			continue
		}
		running--
		at[o.place.Task]--
		alone = false
		busy[o.f.host] = false
		if err != nil {
			fatal = err
			cancel()
			continue
		}
		group := []*hostRun{o.f.host}
		if _, err := p.include(o.place, group, p.apply(o.place, o.f, group)); err != nil {
			fatal = err
			cancel()
		}
	}
}

// isFree reports whether hosts go through the play on their own.
func (p *play) isFree() bool { return p.strategyName == "free" || p.strategyName == "host_pinned" }
