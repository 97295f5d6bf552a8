extension MetricsText {
    /// Adds what all event loops have counted and timed.
    package mutating func addHTTP(_ measurements: Measurements) {
        let http = measurements.http
        addConnections(http)
        family(
            "serverfs_http_requests_total", type: "counter", help: "HTTP requests, by the way their file was read.",
            samples: both(http, HTTPCounter.requests))
        family(
            "serverfs_http_body_bytes_total", type: "counter", help: "Bytes of response bodies.",
            samples: both(http, HTTPCounter.bodyBytes))
        family(
            "serverfs_http_mapped_body_bytes_total", type: "counter",
            help: "Bytes of response bodies that were sent from mappings of their files (--send mmap).",
            samples: both(http, HTTPCounter.mappedBodyBytes))
        family(
            "serverfs_open_file_cache_hits_total", type: "counter", help: "Requests answered from an open descriptor.",
            samples: both(http, HTTPCounter.openFileHits))
        family(
            "serverfs_open_file_cache_misses_total", type: "counter", help: "Requests that opened their file.",
            samples: both(http, HTTPCounter.openFileMisses))
        addTimes(measurements)
        addCauses(http)
        addUsage(http)
    }

    private func both(
        _ http: CounterGroup<HTTPCounter>, _ key: (ServingPath) -> HTTPCounter
    ) -> [(labels: String, value: UInt64)] {
        ServingPath.allCases.map { ("via=\"\($0)\"", http[key($0)]) }
    }

    private mutating func addConnections(_ http: CounterGroup<HTTPCounter>) {
        family(
            "serverfs_http_connections_total", type: "counter", help: "Connections, by what became of them.",
            samples: [
                ("outcome=\"accepted\"", http[.connectionsAccepted]),
                ("outcome=\"refused\"", http[.connectionsRefused]),
            ])
        family(
            "serverfs_http_open_connections", type: "gauge", help: "Connections that are open.",
            samples: [("", http.openConnections)])
        family(
            "serverfs_http_invalid_requests_total", type: "counter", help: "Requests whose head could not be used.",
            samples: [("", http[.invalidRequests])])
        family(
            "serverfs_http_truncated_responses_total", type: "counter", help: "Responses that were cut off.",
            samples: [("", http[.truncatedResponses])])
        // Two families: those given up are among the others, and what has labels must add up.
        family(
            "serverfs_http_stuck_requests_total", type: "counter", help: "Requests that a file system kept waiting.",
            samples: [("", http[.stuckRequests])])
        family(
            "serverfs_http_stuck_requests_given_up_total", type: "counter",
            help: "Requests that a file system kept waiting until their time was up: answered 504, or cut off.",
            samples: [("", http[.stuckRequestsGivenUp])])
    }

    private mutating func addTimes(_ measurements: Measurements) {
        family(
            "serverfs_telemetry_enabled", type: "gauge", help: "1 where times are taken (--telemetry, PUT /telemetry).",
            samples: [("", measurements.isTiming ? 1 : 0)])
        histograms(
            "serverfs_http_request_duration_seconds",
            help: "From the first byte of a request's head to the last byte sent.",
            samples: ServingPath.allCases.map { ("via=\"\($0)\"", measurements.requestLatency.summary($0)) })
        family(
            "serverfs_http_phase_seconds_total", type: "counter",
            help: "What answered requests have spent their time on; all phases of a request make up its duration.",
            samples: ServingPath.allCases.flatMap { path in
                RequestPhase.allCases.map { phase in
                    Sample(
                        "via=\"\(path)\",phase=\"\(phase.name)\"",
                        .nanoseconds(measurements.phases[PhaseTime(path, phase)]))
                }
            })
        family(
            "serverfs_http_slow_requests_total", type: "counter", help: "Requests that took 10 ms or longer.",
            samples: [("", measurements.slowRequests.count)])
    }

    private mutating func addCauses(_ http: CounterGroup<HTTPCounter>) {
        family(
            "serverfs_http_fuse_requests_total", type: "counter",
            help: "FUSE requests that were made by a thread at work on an HTTP request.",
            samples: [("", http[.mountFuseRequests])])
        family(
            "serverfs_http_fuse_service_seconds_total", type: "counter",
            help: "Time from the receipt of those FUSE requests to their replies.",
            samples: [Sample("", .nanoseconds(http[.mountFuseServiceNanoseconds]))])
        family(
            "serverfs_http_sampled_requests_total", type: "counter",
            help: "Requests whose context switches were looked at: about one in 64.",
            samples: both(http, HTTPCounter.sampledRequests))
        family(
            "serverfs_http_sampled_context_switches_total", type: "counter",
            help: "Context switches of the thread while it worked on those requests.",
            samples: ServingPath.allCases.flatMap { path in
                [
                    ("via=\"\(path)\",kind=\"voluntary\"", http[.sampledVoluntary(path)]),
                    ("via=\"\(path)\",kind=\"involuntary\"", http[.sampledInvoluntary(path)]),
                ]
            })
    }

    private mutating func addUsage(_ http: CounterGroup<HTTPCounter>) {
        family(
            "serverfs_http_cpu_seconds_total", type: "counter",
            help: "Processor time of the event loops, shared out second by second by the requests of either way.",
            samples: ServingPath.allCases.map {
                Sample("via=\"\($0)\"", .nanoseconds(http[.processorNanoseconds($0)]))
            })
        family(
            "serverfs_http_context_switches_total", type: "counter",
            help: "Context switches of the event loops, shared out second by second by the requests of either way.",
            samples: ServingPath.allCases.flatMap { path in
                [
                    ("via=\"\(path)\",kind=\"voluntary\"", http[.voluntarySwitches(path)]),
                    ("via=\"\(path)\",kind=\"involuntary\"", http[.involuntarySwitches(path)]),
                ]
            })
    }
}
