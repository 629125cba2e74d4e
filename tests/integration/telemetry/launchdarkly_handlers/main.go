// LaunchDarkly's own test handlers on a loopback port, for telemetry's tests.
//
// Prints its port, then takes a line of JSON for each order on standard input:
// {"set": flag} | {"delete": key, "version": n} | {"hangUp": true}; answers "done" to each.
// The path and authorization of each request are printed as "request METHOD PATH KEY".
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/launchdarkly/go-server-sdk/v7/testhelpers/ldservices"
	"github.com/launchdarkly/go-test-helpers/v3/httphelpers"
)

type order struct {
	Set     json.RawMessage `json:"set"`
	Delete  string          `json:"delete"`
	Version int             `json:"version"`
	HangUp  bool            `json:"hangUp"`
}

var printing sync.Mutex

func say(format string, values ...any) {
	printing.Lock()
	defer printing.Unlock()
	fmt.Printf(format+"\n", values...)
}

func main() {
	data := ldservices.NewServerSDKData()
	streaming, stream := ldservices.ServerSideStreamingServiceHandler(data.ToPutEvent())
	handler := ldservices.ServerSideEventsServiceHandler()
	both := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		say("request %s %s %s", r.Method, r.URL.Path, r.Header.Get("Authorization"))
		if r.URL.Path == "/all" {
			streaming.ServeHTTP(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() { panic(http.Serve(listener, both)) }()
	say("port %d", listener.Addr().(*net.TCPAddr).Port)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		apply(stream, lines.Bytes())
		say("done")
	}
}

func apply(stream httphelpers.SSEStreamControl, line []byte) {
	var wanted order
	if err := json.Unmarshal(line, &wanted); err != nil {
		panic(err)
	}
	switch {
	case wanted.HangUp:
		stream.EndAll()
	case wanted.Set != nil:
		var key struct{ Key string }
		if err := json.Unmarshal(wanted.Set, &key); err != nil {
			panic(err)
		}
		data := fmt.Sprintf(`{"path": "/flags/%s", "data": %s}`, key.Key, wanted.Set)
		stream.Enqueue(httphelpers.SSEEvent{Event: "patch", Data: data})
	default:
		data := fmt.Sprintf(`{"path": "/flags/%s", "version": %d}`, wanted.Delete, wanted.Version)
		stream.Enqueue(httphelpers.SSEEvent{Event: "delete", Data: data})
	}
}
