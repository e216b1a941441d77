// Package kubectl is the connection to containers of Kubernetes pods through the kubectl command.
//
// Registered in connection/all, used through internal/remote/session.
package kubectl

import (
	"context"
	"os/exec"

	"github.com/troupe-automation/troupe/internal/remote/connection"
)

// Kind is the registry entry. Its options are those of kubernetes.core.kubectl.
var Kind = connection.Kind{
	Name: "kubernetes.core.kubectl", Aliases: []string{"kubectl", "community.kubernetes.kubectl"},
	Options: []string{"kubectl_pod", "kubectl_container", "kubectl_namespace", "kubectl_kubeconfig", "kubectl_context", "kubectl_extra_args"},
	Vars: map[string][]string{
		"kubectl_pod":        {"ansible_kubectl_pod"},
		"kubectl_container":  {"ansible_kubectl_container"},
		"kubectl_namespace":  {"ansible_kubectl_namespace"},
		"kubectl_kubeconfig": {"ansible_kubectl_kubeconfig", "ansible_kubectl_config"},
		"kubectl_context":    {"ansible_kubectl_context"},
		"kubectl_extra_args": {"ansible_kubectl_extra_args"},
	},
	Dial: dial,
}

func dial(_ context.Context, o connection.Options, _ connection.Log) (connection.Conn, error) {
	extra, err := connection.Split(o["kubectl_extra_args"])
	if err != nil {
		return nil, &connection.UnreachableError{Phase: connection.PhaseConnect, Msg: "kubectl_extra_args: " + err.Error(), Err: err}
	}
	if _, err := exec.LookPath("kubectl"); err != nil {
		return nil, &connection.UnreachableError{Phase: connection.PhaseConnect, Msg: "kubectl command not found in PATH", Err: err}
	}
	return connection.NewCommand(func(command string, pty bool) []string {
		argv := []string{"kubectl"}
		for _, f := range [][2]string{{"--namespace", "kubectl_namespace"}, {"--kubeconfig", "kubectl_kubeconfig"}, {"--context", "kubectl_context"}} {
			if v := o[f[1]]; v != "" {
				argv = append(argv, f[0], v)
			}
		}
		argv = append(append(argv, extra...), "exec", "-i")
		if pty {
			argv = append(argv, "-t")
		}
		argv = append(argv, o["kubectl_pod"])
		if c := o["kubectl_container"]; c != "" {
			argv = append(argv, "-c", c)
		}
		return append(argv, "--", "/bin/sh", "-c", command)
	}), nil
}
