package native

import "sync"

// A callback of C's ends in a Go function by the number that C carries as user_data. C's slots for callbacks are never given
// back, so there is one for each type of callback and not one for each function.
var (
	receivers sync.Map // uintptr → func
	numbers   struct {
		sync.Mutex
		last uintptr
	}

	requestCallback = sync.OnceValue(func() uintptr {
		return newCallback(func(request, id uintptr) {
			if receive, ok := receivers.Load(id); ok {
				receive.(func(Handle))(Handle(request))
			}
		})
	})
	eventCallback = sync.OnceValue(func() uintptr {
		return newEventCallback(func(level, name, message, id uintptr) {
			if receive, ok := receivers.Load(id); ok {
				receive.(func(uint32, string, string))(uint32(level), text(name), text(message))
			}
		})
	})
	finalizeCallback = sync.OnceValue(func() uintptr { return newFinalizer(forget) })
)

func remember(receive any) uintptr {
	numbers.Lock()
	defer numbers.Unlock()
	numbers.last++
	receivers.Store(numbers.last, receive)
	return numbers.last
}

func forget(id uintptr) { receivers.Delete(id) }
