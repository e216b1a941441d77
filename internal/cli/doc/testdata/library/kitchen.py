#!/usr/bin/python
DOCUMENTATION = r'''
module: kitchen
short_description: Does I(everything) to B(food)
version_added: "2.1"
description:
  - First C(code) sentence with a link U(https://example.com/x) and M(ansible.builtin.copy) and a very long tail that must be wrapped somewhere.
  - Second para.
author:
  - A B (@ab)
  - C D (@cd)
requirements:
  - python >= 3
  - "foo"
todo: later
options:
  name:
    description: The name.
    required: true
    type: str
    aliases: [nm, title]
  a_rather_long_option_name_here_yes:
    description:
      - Long text here which goes on and on and on until it needs to be wrapped by the formatter at seventy columns.
      - Another paragraph that goes on and on and on until it needs to be wrapped by the formatter.
    default: [a, b]
    type: list
    elements: str
    version_added: "2.5"
  state:
    description: State
    choices: [present, absent]
    default: present
    type: str
    env: [{name: KITCHEN_STATE}]
    ini: [{section: kitchen, key: state}]
    vars: [{name: kitchen_state, version_added: "2.9"}]
  flag:
    description: A flag.
    type: bool
    default: yes
  dictchoice:
    description: d
    choices:
      one: first one
      two: second one
    default: one
  old:
    description: old
    deprecated:
      why: because
      version: "2.99"
      alternatives: none
attributes:
  check_mode:
    description: Can run in check_mode
    support: full
  platform:
    platforms: posix
    support: full
    description: Target OS
notes:
  - Note one.
seealso:
  - module: other.mod
deprecated:
  removed_in: "2.30"
  why: old
  alternative: new
'''
EXAMPLES = r'''
- name: cook
  kitchen:
    name: x
'''
RETURN = r'''
out:
  description: The output.
  returned: always
  type: str
  sample: "hello world"
d:
  description: dict
  returned: success
  type: complex
  sample: {a: 1, b: [x, y]}
  contains:
    inner:
      description: in
      type: int
      returned: when I feel like it
      sample: 5
'''
