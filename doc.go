// Package troupe embeds Troupe's engine: load a project (configuration, inventory, playbooks), run it, and read its
// events. The command line is one user of it.
//
//	p, err := troupe.Load(ctx, troupe.Options{Inventory: []string{"hosts.ini"}})
//	…
//	code, err := p.Run(ctx, troupe.RunOptions{Playbooks: []string{"site.yml"}, Sink: sink})
package troupe
