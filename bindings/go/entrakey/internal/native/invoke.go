package native

import "github.com/ebitengine/purego"

// invoke calls a C function. The caller is call, which keeps in place what the arguments point to.
func invoke(address uintptr, arguments ...uintptr) uintptr {
	result, _, _ := purego.SyscallN(address, arguments...)
	return result
}

func newCallback(f func(request, id uintptr)) uintptr { return purego.NewCallback(f) }

func newEventCallback(f func(level, name, message, id uintptr)) uintptr { return purego.NewCallback(f) }

func newFinalizer(f func(id uintptr)) uintptr { return purego.NewCallback(f) }
