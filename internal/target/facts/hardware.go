package facts

import (
	"bufio"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

func hardware(h *host) {
	memory(h)
	processor(h)
	dmi(h)
	mounts(h)
	devices(h)
	if f := strings.Fields(readLine("/proc/uptime")); len(f) > 0 {
		if s, err := strconv.ParseFloat(f[0], 64); err == nil {
			h.set("uptime_seconds", int64(s))
		}
	}
	h.set("lvm", lvm(h))
}

func memory(h *host) {
	kb := map[string]int64{}
	for _, l := range lines("/proc/meminfo") {
		k, v, _ := strings.Cut(l, ":")
		if f := strings.Fields(v); len(f) > 0 {
			kb[k], _ = strconv.ParseInt(f[0], 10, 64)
		}
	}
	mb := func(k string) int64 { return kb[k] / 1024 }
	h.set("memtotal_mb", mb("MemTotal"))
	h.set("memfree_mb", mb("MemFree"))
	h.set("swaptotal_mb", mb("SwapTotal"))
	h.set("swapfree_mb", mb("SwapFree"))
	free := (kb["Cached"] + kb["MemFree"] + kb["Buffers"]) / 1024
	h.set("memory_mb", map[string]any{
		"real":    map[string]any{"total": mb("MemTotal"), "used": (kb["MemTotal"] - kb["MemFree"]) / 1024, "free": mb("MemFree")},
		"nocache": map[string]any{"free": free, "used": (kb["MemTotal"] - kb["Cached"] - kb["MemFree"] - kb["Buffers"]) / 1024},
		"swap": map[string]any{"total": mb("SwapTotal"), "free": mb("SwapFree"), "used": (kb["SwapTotal"] - kb["SwapFree"]) / 1024,
			"cached": mb("SwapCached")},
	})
}

func processor(h *host) {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return
	}
	defer f.Close()
	list := []any{}
	var flags []any
	sockets, cores := map[string]int64{}, map[string]int64{}
	physical, coreID := "0", ""
	siblings, perSocket, index := int64(0), int64(0), int64(0)
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		k, v, _ := strings.Cut(in.Text(), ":")
		k, v = strings.TrimSpace(k), strings.TrimSpace(v)
		switch k {
		case "processor":
			index++
			list = append(list, v)
		case "model name", "Processor", "vendor_id", "cpu", "Vendor":
			list = append(list, v)
		case "physical id":
			physical = v
			sockets[v] = 1
		case "core id":
			coreID = v
			cores[physical+"/"+coreID] = 1
		case "cpu cores":
			perSocket, _ = strconv.ParseInt(v, 10, 64)
		case "siblings":
			siblings, _ = strconv.ParseInt(v, 10, 64)
		case "flags":
			if flags == nil {
				for _, w := range strings.Fields(v) {
					flags = append(flags, w)
				}
			}
		case "Features":
			if flags == nil {
				for _, w := range strings.Fields(v) {
					flags = append(flags, w)
				}
			}
		}
	}
	if flags != nil {
		h.set("flags", flags)
	}
	h.set("processor", list)
	count, threads := int64(len(sockets)), int64(1)
	if count == 0 { // one entry for each processor is all that is known
		count, perSocket = index, 1
	}
	if perSocket == 0 {
		perSocket = 1
	}
	if siblings > 0 {
		threads = siblings / perSocket
	}
	h.set("processor_count", count)
	h.set("processor_cores", perSocket)
	h.set("processor_threads_per_core", threads)
	h.set("processor_vcpus", threads*count*perSocket)
	h.set("processor_nproc", usable(index))
}

// usable is the number of processors this process may run on.
func usable(all int64) int64 {
	var mask [128]uint64
	n, _, e := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, 0, uintptr(len(mask)*8), uintptr(unsafe.Pointer(&mask[0])))
	if e != 0 {
		return all
	}
	count := int64(0)
	for _, w := range mask[:n/8] {
		for ; w != 0; w &= w - 1 {
			count++
		}
	}
	return count
}

// formFactors are the chassis types of DMI.
var formFactors = []string{
	"Unknown", "Other", "Unknown", "Desktop", "Low Profile Desktop", "Pizza Box", "Mini Tower", "Tower", "Portable", "Laptop", "Notebook", "Hand Held",
	"Docking Station", "All In One", "Sub Notebook", "Space-saving", "Lunch Box", "Main Server Chassis", "Expansion Chassis", "Sub Chassis",
	"Bus Expansion Chassis", "Peripheral Chassis", "RAID Chassis", "Rack Mount Chassis", "Sealed-case PC", "Multi-system", "CompactPCI", "AdvancedTCA",
	"Blade", "Blade Enclosure", "Tablet", "Convertible", "Detachable", "IoT Gateway", "Embedded PC", "Mini PC", "Stick PC",
}

func dmi(h *host) {
	files := map[string]string{
		"bios_date": "bios_date", "bios_vendor": "bios_vendor", "bios_version": "bios_version", "board_asset_tag": "board_asset_tag",
		"board_name": "board_name", "board_serial": "board_serial", "board_vendor": "board_vendor", "board_version": "board_version",
		"chassis_asset_tag": "chassis_asset_tag", "chassis_serial": "chassis_serial", "chassis_vendor": "chassis_vendor",
		"chassis_version": "chassis_version", "form_factor": "chassis_type", "product_name": "product_name", "product_serial": "product_serial",
		"product_uuid": "product_uuid", "product_version": "product_version", "system_vendor": "sys_vendor",
	}
	for key, file := range files {
		v := readLine("/sys/devices/virtual/dmi/id/" + file)
		if v == "" {
			v = "NA"
		} else if key == "form_factor" {
			n, err := strconv.Atoi(v)
			if err == nil && n < len(formFactors) {
				v = formFactors[n]
			} else {
				v = "unknown (" + v + ")"
			}
		}
		h.set(key, v)
	}
}

var octalEscape = regexp.MustCompile(`\\[0-7]{3}`)

// unescape decodes the \040 of mount tables.
func unescape(s string) string {
	return octalEscape.ReplaceAllStringFunc(s, func(m string) string {
		n, _ := strconv.ParseUint(m[1:], 8, 8)
		return string([]byte{byte(n)})
	})
}

// Mount is a line of the mount table.
type Mount struct {
	Device, Path, FSType, Options string
	Dump, Pass                    int64
}

// Mounts reads the mount table.
func Mounts() []Mount {
	var out []Mount
	table := lines("/etc/mtab")
	if table == nil {
		table = lines("/proc/mounts")
	}
	for _, l := range table {
		f := strings.Fields(l)
		if len(f) < 4 {
			continue
		}
		m := Mount{Device: unescape(f[0]), Path: unescape(f[1]), FSType: f[2], Options: unescape(f[3])}
		if len(f) > 5 {
			m.Dump, _ = strconv.ParseInt(f[4], 10, 64)
			m.Pass, _ = strconv.ParseInt(f[5], 10, 64)
		}
		out = append(out, m)
	}
	return out
}

func mounts(h *host) {
	bound := map[string]bool{}
	for _, l := range lines("/proc/self/mountinfo") {
		if f := strings.Fields(l); len(f) > 4 && f[3] != "/" {
			bound[unescape(f[4])] = true
		}
	}
	uuids := byLink("/dev/disk/by-uuid")
	list := []any{}
	for _, m := range Mounts() {
		if !strings.HasPrefix(m.Device, "/") && !strings.HasPrefix(m.Device, `\`) && !strings.Contains(m.Device, ":/") || m.FSType == "none" {
			continue
		}
		options := m.Options
		if bound[m.Path] && !slices.Contains(strings.Split(options, ","), "bind") {
			options += ",bind"
		}
		uuid := "N/A"
		if u := uuids[filepath.Base(realName(m.Device))]; len(u) > 0 {
			uuid = u[0]
		}
		d := map[string]any{"mount": m.Path, "device": m.Device, "fstype": m.FSType, "options": options, "dump": m.Dump, "passno": m.Pass, "uuid": uuid}
		maps.Copy(d, MountSize(m.Path))
		list = append(list, d)
	}
	h.set("mounts", list)
}

// MountSize says how large and how full the file system at a path is; nothing when it cannot be asked.
func MountSize(path string) map[string]any {
	var st syscall.Statfs_t
	if syscall.Statfs(path, &st) != nil {
		return nil
	}
	unit := int64(st.Frsize)
	if unit == 0 {
		unit = int64(st.Bsize)
	}
	return map[string]any{
		"size_total": unit * int64(st.Blocks), "size_available": unit * int64(st.Bavail),
		"block_size": int64(st.Bsize), "block_total": int64(st.Blocks), "block_available": int64(st.Bavail), "block_used": int64(st.Blocks) - int64(st.Bavail),
		"inode_total": int64(st.Files), "inode_available": int64(st.Ffree), "inode_used": int64(st.Files) - int64(st.Ffree),
	}
}

func realName(p string) string {
	if r, err := filepath.EvalSymlinks(p); err == nil {
		return r
	}
	return p
}

// byLink are the names of links in a directory by the base name of what they point to.
func byLink(dir string) map[string][]string {
	out := map[string][]string{}
	list, _ := os.ReadDir(dir)
	for _, e := range list {
		if to, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			base := filepath.Base(to)
			out[base] = append(out[base], e.Name())
		}
	}
	return out
}

func anyLists(m map[string][]string) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

func devices(h *host) {
	ids, labels, uuids := byLink("/dev/disk/by-id"), byLink("/dev/disk/by-label"), byLink("/dev/disk/by-uuid")
	masters := map[string][]string{}
	blocks, _ := os.ReadDir("/sys/block")
	for _, b := range blocks {
		slaves, _ := os.ReadDir("/sys/block/" + b.Name() + "/slaves")
		for _, s := range slaves {
			masters[s.Name()] = append(masters[s.Name()], b.Name())
		}
	}
	h.set("device_links", map[string]any{"ids": anyLists(ids), "labels": anyLists(labels), "uuids": anyLists(uuids), "masters": anyLists(masters)})
	links := func(name string) map[string]any {
		get := func(m map[string][]string) []string {
			if v := m[name]; v != nil {
				return v
			}
			return []string{}
		}
		return map[string]any{"ids": get(ids), "labels": get(labels), "uuids": get(uuids), "masters": get(masters)}
	}
	orNil := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	all := map[string]any{}
	for _, b := range blocks {
		name := b.Name()
		dir := "/sys/block/" + name
		d := map[string]any{"virtual": int64(1), "links": links(name), "vendor": orNil(readLine(dir + "/device/vendor")),
			"model": orNil(readLine(dir + "/device/model")), "sas_address": orNil(readLine(dir + "/device/sas_address")),
			"sas_device_handle": orNil(readLine(dir + "/device/sas_device_handle")), "removable": orNil(readLine(dir + "/removable")),
			"support_discard": orNil(readLine(dir + "/queue/discard_granularity")), "host": "", "rotational": readLine(dir + "/queue/rotational"),
			"scheduler_mode": bracketed(readLine(dir + "/queue/scheduler")), "holders": holders(dir),
		}
		if s := readLine(dir + "/device/serial"); s != "" {
			d["serial"] = s
		}
		if s := readLine(dir + "/wwid"); s != "" {
			d["wwn"] = s
		}
		d["sectors"], d["sectorsize"], d["size"] = size(dir, readLine(dir+"/queue/logical_block_size"))
		parts := map[string]any{}
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), name) || !exists(dir+"/"+e.Name()+"/start") {
				continue
			}
			pd := dir + "/" + e.Name()
			p := map[string]any{"links": links(e.Name()), "start": readLine(pd + "/start"), "holders": holders(pd), "uuid": nil}
			if u := uuids[e.Name()]; len(u) > 0 {
				p["uuid"] = u[0]
			}
			p["sectors"], p["sectorsize"], p["size"] = size(pd, readLine(dir+"/queue/logical_block_size"))
			p["sectorsize"] = number(readLine(dir + "/queue/logical_block_size"))
			parts[e.Name()] = p
		}
		d["partitions"] = parts
		all[name] = d
	}
	h.set("devices", all)
}

// size reads a block device's size. The kernel counts in units of 512 bytes.
func size(dir, sector string) (sectors int64, sectorsize, text string) {
	n, _ := strconv.ParseInt(readLine(dir+"/size"), 10, 64)
	if sector == "" {
		sector = "512"
	}
	return n, sector, human(float64(n) * 512)
}

// human writes a size as "256.00 GB".
func human(bytes float64) string {
	units := []string{"Bytes", "KB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"}
	i := 0
	for bytes >= 1024 && i < len(units)-1 {
		bytes /= 1024
		i++
	}
	return strconv.FormatFloat(bytes, 'f', 2, 64) + " " + units[i]
}

func bracketed(s string) string {
	if i, j := strings.Index(s, "["), strings.Index(s, "]"); i >= 0 && j > i {
		return s[i+1 : j]
	}
	return ""
}

func holders(dir string) []string {
	out := []string{}
	list, _ := os.ReadDir(dir + "/holders")
	for _, e := range list {
		if name := readLine("/sys/block/" + e.Name() + "/dm/name"); name != "" {
			out = append(out, name)
		} else {
			out = append(out, e.Name())
		}
	}
	return out
}
