package deploy_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// object is what we read of an object of Kubernetes.
type object struct {
	Kind     string
	Metadata struct {
		Name        string
		Annotations map[string]string
		Labels      map[string]string
	}
	Data map[string]string
	Spec struct {
		Replicas       *int
		Selector       any
		Template       struct{ Spec pod }
		ScaleTargetRef struct{ Name string } `yaml:"scaleTargetRef"`
		PodSelector    struct {
			MatchLabels map[string]string `yaml:"matchLabels"`
		} `yaml:"podSelector"`
		Rules []struct {
			Host string
			HTTP struct {
				Paths []struct {
					Backend struct {
						Service struct{ Name string }
					}
				}
			}
		}
	}
}

type pod struct {
	Grace           int  `yaml:"terminationGracePeriodSeconds"`
	Token           bool `yaml:"automountServiceAccountToken"`
	SecurityContext struct {
		RunAsNonRoot   bool                  `yaml:"runAsNonRoot"`
		RunAsUser      int                   `yaml:"runAsUser"`
		SeccompProfile struct{ Type string } `yaml:"seccompProfile"`
	} `yaml:"securityContext"`
	Containers []container
	Volumes    []struct {
		Name     string
		EmptyDir *struct {
			SizeLimit string `yaml:"sizeLimit"`
		} `yaml:"emptyDir"`
	}
}

type container struct {
	Args    []string
	EnvFrom []struct {
		ConfigMapRef struct{ Name string } `yaml:"configMapRef"`
	} `yaml:"envFrom"`
	Env   []struct{ Name, Value string }
	Ports []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
		HostPort      int `yaml:"hostPort"`
		Protocol      string
	}
	StartupProbe    probe `yaml:"startupProbe"`
	ReadinessProbe  probe `yaml:"readinessProbe"`
	LivenessProbe   probe `yaml:"livenessProbe"`
	SecurityContext struct {
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
		Capabilities             struct{ Drop []string }
	} `yaml:"securityContext"`
	VolumeMounts []struct{ Name, MountPath string } `yaml:"volumeMounts"`
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

// rendered is the chart with these values set: kind and name to object.
func rendered(t *testing.T, set ...string) map[string]object {
	t.Helper()
	tool, err := filepath.Abs("../.tools/helm")
	require.NoError(t, err)
	args := []string{"template", "m", "helm/meanwhile", "--kube-version", "1.30"}
	for _, one := range set {
		args = append(args, "--set", one)
	}
	out, err := output(t, []string{"HELM_CACHE_HOME=" + t.TempDir()}, program(t, tool, "helm"), args...)
	require.NoError(t, err, out)
	all := map[string]object{}
	for documents := yaml.NewDecoder(strings.NewReader(out)); ; {
		var o object
		err := documents.Decode(&o)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		key := o.Kind + " " + o.Metadata.Name
		require.NotContains(t, all, key, "two of a name")
		all[key] = o
	}
}

// everything turns on what is off by default.
func everything() []string {
	return []string{
		"whip.enabled=true", "server.autoscaling.enabled=true", "worker.autoscaling.enabled=true", "serviceMonitor.enabled=true",
		"podLabels.team=video", "podAnnotations.a=b", "settings.MEANWHILE_SMTP_URL_FILE=/run/secrets/meanwhile/smtp-url",
	}
}

func TestChartIsWell(t *testing.T) {
	t.Parallel()
	tool, err := filepath.Abs("../.tools/helm")
	require.NoError(t, err)
	out, err := output(t, nil, program(t, tool, "helm"), "lint", "--strict", "helm/meanwhile", "--set", strings.Join(everything(), ","))
	require.NoError(t, err, out)
	out, err = output(t, nil, program(t, tool, "helm"), "template", "m", "helm/meanwhile", "--kube-version", "1.30", "--set", "baseURL=")
	require.Error(t, err)
	require.Contains(t, out, "baseURL is the address that people type")
}

func TestChartSettingsAreKnown(t *testing.T) {
	t.Parallel()
	for _, values := range [][]string{nil, everything(), {"whip.enabled=true,whip.publicIPs={192.0.2.1}"}} {
		all := rendered(t, values...)
		for component, command := range map[string]string{"server": "serve", "worker": "worker"} {
			c := all["Deployment m-meanwhile-"+component].Spec.Template.Spec.Containers[0]
			require.Equal(t, []string{command}, c.Args)
			var named []string
			for _, variable := range c.Env {
				named = append(named, variable.Name)
				if path, ok := strings.CutPrefix(variable.Value, "/run/secrets/meanwhile/"); ok {
					require.NotContains(t, path, "/")
				}
			}
			settings := all["ConfigMap "+c.EnvFrom[0].ConfigMapRef.Name].Data
			require.NotEmpty(t, settings)
			requireKnown(t, command, append(named, slices.Collect(maps.Keys(settings))...)...)
		}
	}
}

func TestChartHoldsTogether(t *testing.T) {
	t.Parallel()
	for _, values := range [][]string{nil, everything()} {
		all := rendered(t, values...)
		for key, o := range all {
			require.Equal(t, "m", o.Metadata.Labels["app.kubernetes.io/instance"], key)
			switch o.Kind {
			case "Deployment":
				requireConfined(t, o)
			case "HorizontalPodAutoscaler":
				target := all["Deployment "+o.Spec.ScaleTargetRef.Name]
				require.NotEmpty(t, target.Kind, key)
				require.Nil(t, target.Spec.Replicas, "%s: who scales sets the number", key)
			case "Ingress":
				require.Equal(t, "video.example.org", o.Spec.Rules[0].Host)
				for _, path := range o.Spec.Rules[0].HTTP.Paths {
					require.Contains(t, all, "Service "+path.Backend.Service.Name, key)
				}
			}
		}
		for _, component := range []string{"server", "worker"} {
			labels := fmt.Sprint(all["Deployment m-meanwhile-"+component].Spec.Selector)
			require.Contains(t, labels, "app.kubernetes.io/component:"+component)
			require.Equal(t, labels, fmt.Sprint(all["PodDisruptionBudget m-meanwhile-"+component].Spec.Selector))
			for name, value := range all["NetworkPolicy m-meanwhile-"+component].Spec.PodSelector.MatchLabels {
				require.Contains(t, labels, name+":"+value)
			}
		}
		for name, value := range all["Service m-meanwhile-server"].Spec.Selector.(map[string]any) {
			require.Contains(t, fmt.Sprint(all["Deployment m-meanwhile-server"].Spec.Selector), fmt.Sprint(name, ":", value))
		}
	}
	require.Equal(t, "0", rendered(t)["Ingress m-meanwhile"].Metadata.Annotations["nginx.ingress.kubernetes.io/proxy-body-size"])
	require.NotContains(t, rendered(t), "Ingress m-meanwhile-whip")
	require.Contains(t, rendered(t, everything()...), "Ingress m-meanwhile-whip")
	require.NotContains(t, rendered(t, "networkPolicy.enabled=false"), "NetworkPolicy m-meanwhile-server")
	require.NotContains(t, rendered(t, "ingress.enabled=false"), "Ingress m-meanwhile")
}

// requireConfined wants a container that may do nothing but its work, and whose
// folders and ports are those that it names.
func requireConfined(t *testing.T, o object) {
	t.Helper()
	p := o.Spec.Template.Spec
	c := p.Containers[0]
	require.True(t, p.SecurityContext.RunAsNonRoot)
	require.Equal(t, 10001, p.SecurityContext.RunAsUser, "the user of the image")
	require.Equal(t, "RuntimeDefault", p.SecurityContext.SeccompProfile.Type)
	require.False(t, p.Token)
	require.NotNil(t, c.SecurityContext.AllowPrivilegeEscalation)
	require.False(t, *c.SecurityContext.AllowPrivilegeEscalation)
	require.True(t, c.SecurityContext.ReadOnlyRootFilesystem)
	require.Equal(t, []string{"ALL"}, c.SecurityContext.Capabilities.Drop)
	require.GreaterOrEqual(t, p.Grace, 40, "the drain, and some to spare")
	volumes := map[string]bool{}
	for _, v := range p.Volumes {
		volumes[v.Name] = true
		require.True(t, v.EmptyDir == nil || v.EmptyDir.SizeLimit != "", "%s: scratch has a bound", v.Name)
	}
	for _, m := range c.VolumeMounts {
		require.True(t, volumes[m.Name], m.Name)
	}
	ports := map[string]int{}
	for _, port := range c.Ports {
		ports[port.Name] = port.ContainerPort
	}
	for _, probe := range []probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
		require.Contains(t, ports, probe.HTTPGet.Port)
	}
	require.Equal(t, "/readyz", c.ReadinessProbe.HTTPGet.Path)
	require.Equal(t, "/healthz", c.LivenessProbe.HTTPGet.Path)
}

// TestChartProbesAnswer asks a real server and a real worker what the chart asks.
func TestChartProbesAnswer(t *testing.T) {
	t.Parallel()
	all, port := rendered(t), freePorts(t, 1)[0]
	c := servers(t, 1)
	worker := c.Servers[0].Program
	worker.Name, worker.Args = "worker", []string{"worker"}
	worker.Env = append(slices.Clone(worker.Env), "MEANWHILE_DATA="+t.TempDir(), "MEANWHILE_WORKER_ADDR=127.0.0.1:"+port)
	run(t, worker)
	for component, url := range map[string]string{"server": c.Servers[0].URL(), "worker": "http://127.0.0.1:" + port} {
		spec := all["Deployment m-meanwhile-"+component].Spec.Template.Spec.Containers[0]
		for _, probe := range []probe{spec.StartupProbe, spec.ReadinessProbe, spec.LivenessProbe} {
			require.Eventually(t, func() bool {
				return status(t.Context(), http.DefaultClient, url+probe.HTTPGet.Path) == http.StatusOK
			}, soon, tick, "%s %s", component, probe.HTTPGet.Path)
		}
	}
}
