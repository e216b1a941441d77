package dispatch

// injectors say where the values of a credential go: files, variables of the environment, variables of the run. They are templates over the
// credential's fields.
type injectors struct {
	Env       map[string]string `json:"env"`
	ExtraVars map[string]any    `json:"extra_vars"`
	File      map[string]string `json:"file"`
}

// builtin are those of the types that AWX has and shows none of. A variable that comes out empty is not set.
var builtin = map[string]injectors{
	"aws": {Env: map[string]string{"AWS_ACCESS_KEY_ID": "{{ username }}", "AWS_SECRET_ACCESS_KEY": "{{ password }}", "AWS_SECURITY_TOKEN": "{{ security_token }}", "AWS_SESSION_TOKEN": "{{ security_token }}"}},
	"azure_rm": {Env: map[string]string{"AZURE_SUBSCRIPTION_ID": "{{ subscription }}", "AZURE_CLIENT_ID": "{{ client }}", "AZURE_SECRET": "{{ secret }}", "AZURE_TENANT": "{{ tenant }}",
		"AZURE_AD_USER": "{{ username }}", "AZURE_PASSWORD": "{{ password }}", "AZURE_CLOUD_ENVIRONMENT": "{{ cloud_environment }}"}},
	"gce": {
		File: map[string]string{"template": `{{ {"type": "service_account", "private_key": ssh_key_data, "client_email": username, "project_id": project, "token_uri": "https://oauth2.googleapis.com/token"} | tojson }}`},
		Env: map[string]string{"GCE_EMAIL": "{{ username }}", "GCE_PROJECT": "{{ project }}", "GCP_PROJECT": "{{ project }}", "GCP_AUTH_KIND": "serviceaccount", "GCP_ENV_TYPE": "tower",
			"GCE_CREDENTIALS_FILE_PATH": "{{ tower.filename }}", "GCP_SERVICE_ACCOUNT_FILE": "{{ tower.filename }}", "GOOGLE_APPLICATION_CREDENTIALS": "{{ tower.filename }}"},
	},
	"kubernetes_bearer_token": {
		File: map[string]string{"template": "{{ ssl_ca_cert }}"},
		Env: map[string]string{"K8S_AUTH_HOST": "{{ host }}", "K8S_AUTH_API_KEY": "{{ bearer_token }}", "K8S_AUTH_VERIFY_SSL": "{{ 'True' if verify_ssl else 'False' }}",
			"K8S_AUTH_SSL_CA_CERT": "{{ tower.filename if verify_ssl and ssl_ca_cert }}"},
	},
	"net": {
		File: map[string]string{"template": "{{ ssh_key_data }}"},
		Env: map[string]string{"ANSIBLE_NET_USERNAME": "{{ username }}", "ANSIBLE_NET_PASSWORD": "{{ password }}", "ANSIBLE_NET_SSH_KEYFILE": "{{ tower.filename if ssh_key_data }}",
			"ANSIBLE_NET_AUTHORIZE": "{{ '1' if authorize else '0' }}", "ANSIBLE_NET_AUTH_PASS": "{{ authorize_password if authorize }}"},
	},
	"openstack": {
		File: map[string]string{"template": `{{ {"clouds": {"devstack": {"auth": {"auth_url": host, "username": username, "password": password, "project_name": project,
			"project_domain_name": project_domain_name or none, "domain_name": domain or none}, "region_name": region or none, "verify": verify_ssl | default(true)}}} | tojson }}`},
		Env: map[string]string{"OS_CLIENT_CONFIG_FILE": "{{ tower.filename }}"},
	},
	"satellite6": {Env: map[string]string{"FOREMAN_SERVER": "{{ host }}", "FOREMAN_USER": "{{ username }}", "FOREMAN_PASSWORD": "{{ password }}"}},
	"terraform": {
		File: map[string]string{"template.config": "{{ configuration }}", "template.gce": "{{ gce_credentials }}"},
		Env:  map[string]string{"TF_BACKEND_CONFIG_FILE": "{{ tower.filename.config }}", "GOOGLE_BACKEND_CREDENTIALS": "{{ tower.filename.gce if gce_credentials }}"},
	},
	"vmware": {Env: map[string]string{"VMWARE_HOST": "{{ host }}", "VMWARE_USER": "{{ username }}", "VMWARE_PASSWORD": "{{ password }}", "VMWARE_VALIDATE_CERTS": "False"}},
}
