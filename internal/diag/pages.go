package diag

// pages explains every code. Examples are content as users write it.
var pages = map[Code]Page{
	GalaxyContent: {
		Title:   "a collection or role cannot be had",
		Cause:   "The name, the file or the server in the requirement does not lead to a collection or role that can be installed, or no versions go together.",
		Example: "collections:\n  - name: community-general",
		Fix:     "collections:\n  - name: community.general",
	},
	DocsBroken: {
		Title:   "the documentation of a plugin cannot be read",
		Cause:   "The plugin has no DOCUMENTATION, or what it has is not the YAML that documentation is written in.",
		Example: "DOCUMENTATION = '''\nmodule: greet\n'''",
		Fix:     "DOCUMENTATION = '''\nmodule: greet\nshort_description: greets\ndescription: [Greets somebody.]\n'''",
	},
	NoPullRepository: {
		Title:   "there is no repository to pull from",
		Cause:   "The command needs the address of a repository and a way to check it out.",
		Example: "troupe pull site.yml",
		Fix:     "troupe pull -U https://git.example.com/site.git site.yml",
	},
	FileNotFound: {
		Title:   "a file cannot be read",
		Cause:   "The file does not exist, or this user may not read it.",
		Example: "- import_tasks: instal.yml",
		Fix:     "- import_tasks: install.yml",
	},
	YAMLSyntax: {
		Title:   "the YAML does not parse",
		Cause:   "The parser stopped at the marked character. Mostly an indentation, a colon or a quote is wrong on that line or the one before.",
		Example: "- name: say: hello",
		Fix:     `- name: "say: hello"`,
	},
	UnquotedJinja: {
		Title:   "a template is not quoted",
		Cause:   "A YAML value that starts with {{ is read as a mapping, one that starts with {% as nothing at all.",
		Example: "msg: {{ x }}",
		Fix:     `msg: "{{ x }}"`,
	},
	ManyDocuments: {
		Title: "more than one document in a file",
		Cause: "Playbooks, task and variable files hold one YAML document.",
		Example: `---
a: 1
---
b: 2`,
		Fix: `---
a: 1
b: 2`,
	},
	DuplicateKey: {
		Title: "a key is given twice",
		Cause: "A mapping has the same key twice; the last one counts.",
		Example: `a: 1
a: 2`,
		Fix: "a: 2",
	},
	UnhashableKey: {
		Title: "a list or mapping is used as a key",
		Cause: "Keys must be texts, numbers or booleans.",
		Example: `? [a, b]
: c`,
		Fix: `"a b": c`,
	},
	UnknownTag: {
		Title:   "an unknown YAML tag",
		Cause:   "Only YAML's own tags, !vault and !unsafe are known.",
		Example: "a: !foo bar",
		Fix:     "a: !unsafe bar",
	},
	NotUTF8: {
		Title:   "a file is not UTF-8",
		Cause:   "Content is read as UTF-8.",
		Example: "a file saved as Latin-1",
		Fix:     "iconv -f latin1 -t utf-8 old.yml > new.yml",
	},
	MixedShorthand: {
		Title: "key=value and YAML in one task",
		Cause: "A module's arguments are either key=value words or a mapping.",
		Example: `copy: src=a
  dest: b`,
		Fix: `copy:
  src: a
  dest: b`,
	},
	UnknownKeyword: {
		Title: "an unknown keyword",
		Cause: "The word is no keyword of the object it stands on.",
		Example: `- debug:
  wen: x`,
		Fix: `- debug:
  when: x`,
	},
	UnknownModule: {
		Title:   "an unknown module",
		Cause:   "No module of that name is built in, in a library directory or in an installed collection.",
		Example: "- pakage: {name: x}",
		Fix:     "- package: {name: x}",
	},
	ConflictingActions: {
		Title: "two actions in one task",
		Cause: "A task runs one module. A mistyped keyword looks like a second one.",
		Example: `- debug:
  copy: {}`,
		Fix: `- debug:
- copy: {}`,
	},
	NoAction: {
		Title:   "a task without a module",
		Cause:   "None of the task's keys names a module.",
		Example: "- name: install",
		Fix: `- name: install
  package: {name: x}`,
	},
	MalformedBlock: {
		Title: "something else than a list of tasks",
		Cause: "Task lists, blocks, handlers and task files hold lists of mappings.",
		Example: `tasks:
  debug: msg=x`,
		Fix: `tasks:
  - debug: msg=x`,
	},
	MissingHosts: {
		Title:   "a play without hosts",
		Cause:   "Every play names the hosts it runs on.",
		Example: "- tasks: []",
		Fix: `- hosts: all
  tasks: []`,
	},
	WrongKeywordType: {
		Title:   "a keyword has the wrong type",
		Cause:   "The value of the keyword has another shape than it may have.",
		Example: "tags: {a: 1}",
		Fix:     "tags: [a]",
	},
	RoleNotFound: {
		Title:   "a role was not found",
		Cause:   "No directory on the search path has the role's name.",
		Example: "roles: [wbe]",
		Fix:     "roles: [web]",
	},
	SplitArgs: {
		Title:   "arguments cannot be taken apart",
		Cause:   "Quotes or template braces are not closed, or a module that takes only key=value got other words.",
		Example: `shell: echo "a`,
		Fix:     `shell: echo "a"`,
	},
	LoopOnImport: {
		Title: "a loop on a static import",
		Cause: "Imports are read before anything runs, loops need variables of hosts.",
		Example: `- import_tasks: x.yml
  loop: [1, 2]`,
		Fix: `- include_tasks: x.yml
  loop: [1, 2]`,
	},
	HandlerNotFound: {
		Title:   "nothing listens to a notification",
		Cause:   "No handler has that name, and none listens to it.",
		Example: "notify: restart ngnix",
		Fix:     "notify: restart nginx",
	},
	MalformedPlaybook: {
		Title:   "a file is no playbook",
		Cause:   "A playbook is a list of plays and import_playbook entries.",
		Example: "hosts: all",
		Fix:     "- hosts: all",
	},
	DuplicateLoop: {
		Title: "two loops on one task",
		Cause: "A task has one loop or one with_ keyword, and it must have a value.",
		Example: `loop: [1]
with_items: [2]`,
		Fix: "loop: [1, 2]",
	},
	IncludeOptions: {
		Title:   "a wrong option of an include or import",
		Cause:   "The include or import does not take the option, or lacks one it needs.",
		Example: "- include_role: {tasks_from: x}",
		Fix:     "- include_role: {name: r, tasks_from: x}",
	},
	RoleRecursion: {
		Title: "roles depend on each other in a circle",
		Cause: "A role depends on itself, directly or through others.",
		Example: `# roles/a/meta/main.yml
dependencies: [b]
# roles/b/meta/main.yml
dependencies: [a]`,
		Fix: `# roles/b/meta/main.yml
dependencies: []`,
	},
	NotADictionary: {
		Title: "variables are no mapping",
		Cause: "vars: takes a mapping.",
		Example: `vars:
  - a: 1`,
		Fix: `vars:
  a: 1`,
	},
	RemovedModule: {
		Title:   "a module was removed or is deprecated",
		Cause:   "The collection says that the module is gone or will go, and what to use instead.",
		Example: "- include: x.yml",
		Fix:     "- include_tasks: x.yml",
	},
	BadRedirect: {
		Title:   "a collection sends a name nowhere",
		Cause:   "plugin_routing in meta/runtime.yml of the collection redirects in a circle, or to a name without a collection.",
		Example: "old: {redirect: new}",
		Fix:     "old: {redirect: my.collection.new}",
	},
	InventorySource: {
		Title:   "an inventory source cannot be read",
		Cause:   "No inventory plugin could read the source; the warnings before say why each one gave up.",
		Example: "-i hots",
		Fix:     "-i hosts",
	},
	InventorySyntax: {
		Title: "a line of an inventory is wrong",
		Cause: "The line is no host, section or variable.",
		Example: `[web
h1`,
		Fix: `[web]
h1`,
	},
	NoHostsMatched: {
		Title:   "a pattern matches no host",
		Cause:   "No host or group has that name.",
		Example: "hosts: webb",
		Fix:     "hosts: web",
	},
	LimitNoHosts: {
		Title:   "--limit leaves no hosts",
		Cause:   "None of the hosts of the plays is in the limit.",
		Example: "-l nosuch",
		Fix:     "-l web",
	},
	UnknownHost: {
		Title:   "no such host",
		Cause:   "The inventory has no host of that name.",
		Example: "--host h9",
		Fix:     "--host h1",
	},
	GroupLoop: {
		Title: "groups contain each other",
		Cause: "A group is its own descendant.",
		Example: `[a:children]
b
[b:children]
a`,
		Fix: `[a:children]
b`,
	},
	BadRange: {
		Title:   "a host range is wrong",
		Cause:   "A range is [begin:end] or [begin:end:step]; zeros in front must match.",
		Example: "h[001:3]",
		Fix:     "h[001:003]",
	},
	InvalidGroupName: {
		Title:   "a group name is no variable name",
		Cause:   "Names with dashes, dots or blanks work, but not as attributes in templates.",
		Example: "[my-group]",
		Fix:     "[my_group]",
	},
	NoInventory: {
		Title:   "no inventory",
		Cause:   "No source could be read; only the implicit localhost is there.",
		Example: "troupe run site.yml",
		Fix:     "troupe run -i hosts site.yml",
	},
	BadPattern: {
		Title:   "a host pattern is wrong",
		Cause:   "The pattern is no regular expression, or its file cannot be read.",
		Example: "hosts: '~web('",
		Fix:     "hosts: '~web'",
	},
	TemplateError: {
		Title:   "a template failed",
		Cause:   "The expression cannot be evaluated; the marked part is where it stopped.",
		Example: `msg: "{{ 1 / 0 }}"`,
		Fix:     `msg: "{{ 1 / 2 }}"`,
	},
	VarsNotMapping: {
		Title:   "a file of variables holds no mapping",
		Cause:   "Files of variables hold a mapping, or nothing.",
		Example: "- a: 1",
		Fix:     "a: 1",
	},
	Undefined: {
		Title:   "a variable is not defined",
		Cause:   "No layer of variables has the name on this host.",
		Example: `msg: "{{ htpp_port }}"`,
		Fix:     `msg: "{{ http_port }}"`,
	},
	ReservedName: {
		Title:   "a variable is called like a keyword",
		Cause:   "Names of keywords work as variables only by luck.",
		Example: "vars: {tags: x}",
		Fix:     "vars: {my_tags: x}",
	},
	BadExtraVars: {
		Title:   "-e cannot be read",
		Cause:   "-e takes key=value words, a YAML or JSON mapping, or @file.",
		Example: "-e vars.yml",
		Fix:     "-e @vars.yml",
	},
	BadVarName: {
		Title:   "a name is no variable name",
		Cause:   `Variable names have letters, digits and "_", and start with no digit.`,
		Example: "register: my-result",
		Fix:     "register: my_result",
	},
	BadSetting: {
		Title: "a setting has a wrong value",
		Cause: "The value is not of the setting's type, or none of its choices.",
		Example: `[defaults]
forks = many`,
		Fix: `[defaults]
forks = 20`,
	},
	ConfigSyntax: {
		Title:   "ansible.cfg cannot be read",
		Cause:   "The file is no INI file.",
		Example: "forks = 20",
		Fix: `[defaults]
forks = 20`,
	},
	WorldWritable: {
		Title:   "ansible.cfg is ignored",
		Cause:   "Everybody may write to this directory, so its ansible.cfg is not trusted.",
		Example: "chmod 777 .",
		Fix:     "chmod 755 .",
	},
	UnknownSetting: {
		Title:   "no such setting",
		Cause:   "No setting has that name.",
		Example: "troupe config get FORK",
		Fix:     "troupe config get DEFAULT_FORKS",
	},
	NoVaultSecret: {
		Title:   "no vault password",
		Cause:   "Something is encrypted and no vault password was given.",
		Example: "troupe run site.yml",
		Fix:     "troupe run --vault-password-file pw site.yml",
	},
	VaultDecrypt: {
		Title:   "a vault cannot be opened",
		Cause:   "None of the passwords given fits.",
		Example: "--vault-id dev@wrong",
		Fix:     "--vault-id dev@right",
	},
	VaultFormat: {
		Title: "a vault is damaged",
		Cause: "The text after the $ANSIBLE_VAULT line is not what a vault holds.",
		Example: `$ANSIBLE_VAULT;1.1;AES256
zz`,
		Fix: "the file as it was encrypted",
	},
	VaultScript: {
		Title:   "a vault password script failed",
		Cause:   "The script ended with an error or printed nothing.",
		Example: "exit 3",
		Fix:     `echo "$PASSWORD"`,
	},
	VaultNoPassword: {
		Title:   "nothing to encrypt with",
		Cause:   "Encrypting needs one vault password.",
		Example: "troupe vault encrypt f.yml",
		Fix:     "troupe vault encrypt --vault-password-file pw f.yml",
	},
	LookupNotFound: {
		Title:   "an unknown lookup",
		Cause:   "No lookup of that name is built in or installed.",
		Example: "{{ lookup('fle', 'x') }}",
		Fix:     "{{ lookup('file', 'x') }}",
	},
	LookupFailed: {
		Title:   "a lookup failed",
		Cause:   "The lookup could not get what it was asked for.",
		Example: "{{ lookup('file', 'nofile') }}",
		Fix:     "{{ lookup('file', 'file.txt') }}",
	},
	LookupOptions: {
		Title:   "wrong options of a lookup",
		Cause:   "An option of the lookup is missing or has a wrong value.",
		Example: "{{ lookup('sequence', 'start=x end=2') }}",
		Fix:     "{{ lookup('sequence', 'start=1 end=2') }}",
	},
	UnknownParameter: {
		Title:   "a parameter that the module does not have",
		Cause:   "A module takes the parameters of its documentation and no others. The name is mistyped, or belongs one level higher or lower.",
		Example: "- file:\n    path: /srv\n    sate: directory",
		Fix:     "- file:\n    path: /srv\n    state: directory",
	},
	WrongChoice: {
		Title:   "a value that the parameter cannot have",
		Cause:   "The parameter takes one of a fixed list of values.",
		Example: "- file: path=/srv state=dir",
		Fix:     "- file: path=/srv state=directory",
	},
	MissingParameter: {
		Title:   "a required parameter is missing",
		Cause:   "The module cannot work without it.",
		Example: "- file:\n    state: directory",
		Fix:     "- file:\n    path: /srv\n    state: directory",
	},
}
