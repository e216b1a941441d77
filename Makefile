# Troupe's everyday commands. `make help` lists them.
.DEFAULT_GOAL := help
GO ?= go
BIN := bin
AGENTS := internal/remote/session/agents
IMAGE := internal/cli/server/image/troupe-server
PLATFORMS := linux-amd64 linux-arm64
# The agent's images beside the first: cmd/troupe-agent-NAME.
IMAGES := web data
NAMES := ansible ansible-playbook ansible-inventory ansible-vault ansible-doc ansible-config ansible-galaxy ansible-console ansible-pull
LDFLAGS := -s -w
# How the agents are built small; their size test reads the same file.
AGENTFLAGS := $(shell cat cmd/troupe-agent/build.flags)

.PHONY: help build agents server dev demo server-demo test race vet lint fmt fuzz fuzz-diff bench-jinja bench clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

build: agents server ## bin/troupe with agents and server inside, and links under Ansible's names
	@rm -f $(BIN)/troupe-server
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/troupe ./cmd/troupe
	@for n in $(NAMES); do ln -sf troupe $(BIN)/$$n; done
	@ls -l $(BIN)/troupe | awk '{print "bin/troupe: " $$5 " bytes"}'

agents: $(foreach p,$(PLATFORMS),$(AGENTS)/$(p).gz $(IMAGES:%=$(AGENTS)/$(p)-%.gz)) ## all images of the agent for all platforms, compressed

server: ## the server, compressed, for bin/troupe to hold
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(IMAGE).tmp ./cmd/troupe-server
	@gzip -9 -n -c $(IMAGE).tmp >$(IMAGE).new && mv $(IMAGE).new $(IMAGE).gz && rm $(IMAGE).tmp

# linux-amd64.gz is troupe-agent, linux-amd64-web.gz is troupe-agent-web.
$(AGENTS)/%.gz: FORCE
	@set -- $(subst -, ,$*); \
	CGO_ENABLED=0 GOOS=$$1 GOARCH=$$2 $(GO) build $(AGENTFLAGS) -ldflags '$(LDFLAGS) -funcalign=8' -o $(AGENTS)/$*.tmp ./cmd/troupe-agent$${3:+-$$3} && \
	gzip -9 -n -c $(AGENTS)/$*.tmp > $@.new && mv $@.new $@ && rm $(AGENTS)/$*.tmp

FORCE:

dev: ## bin/troupe quickly, without embedded agents (it is its own agent), and the server beside it
	$(GO) build -o $(BIN)/troupe ./cmd/troupe
	$(GO) build -o $(BIN)/troupe-server ./cmd/troupe-server
	@for n in $(NAMES); do ln -sf troupe $(BIN)/$$n; done

demo: build ## three throw-away SSH hosts converge, stay as they are, and one rolls back
	@test/setup demo
	$(GO) run ./test/demo -troupe $(BIN)/troupe

server-demo: build ## a server with sample data, until it is interrupted
	@test/server-demo

test: ## everything a fresh Debian 12 with Go needs is set up, then all tests run
	@test/setup test
	$(GO) vet ./...
	@$(GO) run ./test/count -count=1 -timeout 8m ./...

# SQLite, which is C made Go, and bcrypt share nothing that the detector could see, and take six times as long under it.
UNWATCHED = '-gcflags=modernc.org/...=-race=false -d=checkptr=0' '-gcflags=golang.org/x/crypto/b...=-race=false -d=checkptr=0'

race: ## the packages where goroutines meet, under the race detector
	@$(GO) run ./test/count -race $(UNWATCHED) -timeout 8m ./internal/engine/... ./internal/remote/... ./internal/server/... ./internal/target/agent/... ./jinja/...

vet: ## go vet
	$(GO) vet ./...

fmt: ## gofmt all files
	gofmt -l -w $$(git ls-files '*.go')

lint: ## golangci-lint with the house's rules
	GOBIN=$(CURDIR)/.bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	.bin/golangci-lint run

fuzz: ## every fuzz target for a minute each (T=60s)
	@test/fuzz $(or $(T),60s)

fuzz-diff: ## random templates here and in Python's Jinja2 (T=10m, PYTHON=python3)
	$(GO) run ./test/fuzzdiff -time $(or $(T),10m) -python $(or $(PYTHON),python3)

bench-jinja: ## the template engine beside Python's Jinja2, in one run (PYTHON=python3)
	$(GO) run ./test/benchjinja -python $(or $(PYTHON),python3)

bench: ## the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

clean: ## what builds left behind
	rm -rf $(BIN) .bin $(AGENTS)/*.gz $(IMAGE).*
