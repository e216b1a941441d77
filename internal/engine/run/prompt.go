package run

import (
	"fmt"
	"strings"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/value"
)

// prompt asks for the play's vars_prompt; values of -e need no asking. Without a terminal the default is taken
// (BEHAVIOUR §3.12, sample flow_vars_prompt).
func (p *play) prompt() error {
	for _, vp := range p.VarsPrompt {
		if _, given := p.ExtraVars.GetStr(vp.Name); given {
			continue
		}
		v, err := p.ask(vp)
		if err != nil {
			return err
		}
		p.prompts.SetStr(vp.Name, v)
	}
	return nil
}

func (p *play) ask(vp playbook.VarsPrompt) (value.Value, error) {
	t := p.Templates.New(p.playScope())
	text := func(v value.Value) (string, error) {
		if v == nil || v == value.None {
			return "", nil
		}
		return t.String(v)
	}
	def, err := text(vp.Default)
	if err != nil {
		return nil, err
	}
	message, err := text(vp.Prompt)
	if err != nil {
		return nil, err
	}
	if message == "" {
		message = vp.Name
	}
	p.emit(&event.VarsPrompt{Name: vp.Name, Prompt: message, Private: vp.Private})
	if def != "" {
		message += " [" + def + "]"
	}
	answer, there := "", false
	for {
		if p.Options.Prompt != nil {
			if answer, there, err = p.Options.Prompt(message+": ", !vp.Private, 0); err != nil {
				return nil, err
			}
		}
		if !there {
			p.warn("Not prompting as we are not in interactive mode")
			break
		}
		if !vp.Confirm {
			break
		}
		again, _, err := p.Options.Prompt("confirm "+message+": ", !vp.Private, 0)
		if err != nil {
			return nil, err
		}
		if again == answer {
			break
		}
		p.warn("***** VALUES ENTERED DO NOT MATCH ****")
	}
	if answer == "" {
		if vp.Default == nil || vp.Default == value.None {
			if !there {
				return value.None, nil
			}
		} else {
			answer = def
		}
	}
	if vp.Encrypt != "" {
		hashed, err := p.Templates.Filter("password_hash", value.Str(answer), value.Str(vp.Encrypt))
		if err != nil {
			return nil, fmt.Errorf("vars_prompt %s: %w", vp.Name, err)
		}
		if answer, err = value.ToStr(hashed); err != nil {
			return nil, err
		}
	}
	if !vp.Unsafe && template.IsTemplate(answer) && !strings.Contains(answer, "\x00") {
		return value.NewTemplate(answer, vp.Pos), nil
	}
	return value.Str(answer), nil
}
