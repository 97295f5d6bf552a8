import Glibc
import Platform
import Testing

extension EndToEnd {
    /// Traces of the whole program under load: what is on the time line is right, and agrees with what the kernel says.
    @Suite(.timeLimit(.minutes(3)))
    struct TraceTests {
        private static let connections = 6

        private struct Traced {
            let document: TraceDocument
            /// Of each thread, while the load lasted: from when to when, and what /proc has counted.
            let window: ClosedRange<Int>
            let switches: [Int: Int]
            let requests: Int
        }

        /// Puts a load on a server that is traced from its start, ends it, and reads the trace.
        private func trace(_ options: [String], requestsPerConnection: Int, prefix: [String] = []) throws -> Traced {
            let folder = try PrivateFolder()
            chmod(folder.path, 0o777)
            let path = "\(folder.path)/trace.json"
            let site = try Site(
                ["file": String(repeating: "text ", count: 2000), "folder/page": "page"],
                options: options + ["--trace-file", path], prefix: prefix)
            // New threads are found within a tenth of a second, and files that have changed in the last two are not kept open.
            sleep(4)
            let server = site.server
            let before = (ProcessFacts.contextSwitches(server.identifier), Int(Clock.monotonicNanoseconds))
            try onThreads(Self.connections) { index in
                let client = try HTTPConnection(port: server.port)
                for _ in 0..<requestsPerConnection {
                    let response = try client.exchange(index.isMultiple(of: 2) ? "/file" : "/folder/page")
                    guard response.status == 200 else { throw ClientFailure.mismatch("\(response.status)") }
                }
            }
            usleep(50_000)
            let after = (Int(Clock.monotonicNanoseconds), ProcessFacts.contextSwitches(server.identifier))
            #expect(server.stop() == .exited(0))
            #expect(server.process.errorOutput.contains("the trace is written to \(path)"))
            let document = try TraceDocument(readFile(Array(path.utf8)))
            var switches: [Int: Int] = [:]
            for (thread, count) in after.1 { switches[thread] = count - (before.0[thread] ?? 0) }
            return Traced(
                document: document, window: before.1 - document.origin...after.0 - document.origin, switches: switches,
                requests: Self.connections * requestsPerConnection)
        }

        @Test(.enabled(if: Capability.isRoot, "only root sees all sources"), arguments: ["seed", "cached", "fast"])
        func aTraceOfALoadedServerAddsUp(_ profile: String) throws {
            let traced = try trace(["--profile", profile], requestsPerConnection: profile == "seed" ? 100 : 200)
            let document = traced.document
            for source in ["spans", "contextSwitches", "fuseTracepoints"] {
                #expect(document.fact("sources", source) == "present")
            }
            #expect(document.fact("dropped", "spans") == "0")
            #expect(document.fact("dropped", "kernelRecordsLost") == "0")
            #expect(document.fact("dropped", "causesNotRecorded") == "0")
            #expect(document.overlaps.isEmpty, "\(document.overlaps.prefix(3))")
            let phases = Set(document.slices("phase").map(\.name))
            let sending: Set = profile == "seed" ? ["read", "send"] : ["statx", "send", "sendfile"]
            let every = sending.union(["receive", "parse", "resolve", "open", "prepare"])
            #expect(phases.isSuperset(of: every), "\(phases)")
            try expectRequestsAddUp(traced)
            try expectFuseRequestsAddUp(traced, areMany: profile == "seed")
            try expectArrows(document)
            expectSwitches(traced)
        }

        /// Phases on the thread, and waits beside it, are the latency of their request.
        private func expectRequestsAddUp(_ traced: Traced) throws {
            let tracks = try traced.document.tracks("request")
            #expect(tracks.count == traced.requests)
            let phases = Dictionary(grouping: traced.document.slices("phase")) { $0.request ?? 0 }
            let works = Dictionary(grouping: traced.document.slices("http")) { $0.request ?? 0 }
            for (identifier, track) in tracks {
                let number = Int(identifier) ?? 0
                let sum = (phases[number] ?? []).reduce(track.sumOfParts) { $0 + $1.end - $1.start }
                #expect(abs(sum - track.duration) <= track.duration / 20, "request \(number): \(sum) \(track)")
                #expect(track.whole.arguments["status"] as? Int == 200)
                #expect(track.whole.arguments["via"] as? String == "mount")
                let names = Set((works[number] ?? []).map(\.name))
                #expect(names == ["/file"] || names == ["/folder/page"])
                // Each phase is within the work of its request.
                for phase in phases[number] ?? [] {
                    let isWithin = (works[number] ?? []).contains {
                        $0.thread == phase.thread && $0.start <= phase.start && phase.end <= $0.end
                    }
                    #expect(isWithin, "\(phase)")
                }
            }
        }

        /// The parts of a FUSE request's way follow each other without a gap, and with them all but little of the time is
        /// explained that its HTTP thread has slept.
        private func expectFuseRequestsAddUp(_ traced: Traced, areMany: Bool) throws {
            let document = traced.document
            let tracks = try document.tracks("fuse-request")
            #expect(!tracks.isEmpty)
            let slices = Dictionary(uniqueKeysWithValues: document.slices("fuse").map { ($0.number ?? 0, $0) })
            #expect(slices.count == tracks.count)
            var covered: [Int: [(start: Int, end: Int)]] = [:]
            for (identifier, track) in tracks {
                #expect(abs(track.sumOfParts - track.duration) <= track.duration / 20, "\(track)")
                for (part, next) in zip(track.parts, track.parts.dropFirst()) { #expect(part.end == next.start) }
                let slice = try #require(slices[Int(identifier) ?? 0])
                #expect(slice.name == track.whole.name)
                #expect(track.whole.start <= slice.start)
                if let request = slice.request { covered[request, default: []].append((track.whole.start, track.end)) }
            }
            guard areMany else { return }
            // LOOKUP, OPEN, READ and GETATTRs of each request; RELEASE may come after it.
            #expect(covered.count == traced.requests)
            #expect(covered.values.allSatisfy { $0.count >= 6 })
            let sleeps = Dictionary(grouping: document.slices("switch")) { $0.thread }
            var (slept, explained) = (0, 0)
            // Several may be under way at once.
            let unions = covered.mapValues(Self.union)
            for phase in document.slices("phase") where ["open", "read"].contains(phase.name) {
                for sleep in sleeps[phase.thread] ?? [] where sleep.name == "off CPU" {
                    guard phase.start <= sleep.start, sleep.end <= phase.end else { continue }
                    slept += sleep.end - sleep.start
                    for track in unions[phase.request ?? 0] ?? [] {
                        explained += max(min(track.end, sleep.end) - max(track.start, sleep.start), 0)
                    }
                }
            }
            #expect(slept > 0)
            #expect(slept - explained <= slept / 20, "slept \(slept) ns, explained \(explained) ns")
        }

        private static func union(_ times: [(start: Int, end: Int)]) -> [(start: Int, end: Int)] {
            var union: [(start: Int, end: Int)] = []
            for time in times.sorted(by: { $0.start < $1.start }) {
                if let last = union.last, time.start <= last.end {
                    union[union.count - 1].end = max(last.end, time.end)
                } else {
                    union.append(time)
                }
            }
            return union
        }

        /// From what the HTTP thread was at when it sent the request, to the request on its FUSE thread.
        private func expectArrows(_ document: TraceDocument) throws {
            let arrows = document.arrows
            let names = document.threadNames
            let works = document.slices("http") + document.slices("phase")
            var count = 0
            for slice in document.slices("fuse") {
                guard let request = slice.request else {
                    #expect(arrows[slice.number ?? 0] == nil)
                    continue
                }
                count += 1
                let arrow = try #require(arrows[slice.number ?? 0], "\(slice)")
                #expect(arrow.to.thread == slice.thread && arrow.to.start == slice.start)
                #expect(names[arrow.from.thread]?.hasPrefix("http-") == true)
                #expect(names[arrow.to.thread]?.hasPrefix("fuse-") == true)
                #expect(arrow.from.name == "send \(slice.name)" && arrow.from.end <= arrow.to.start)
                let isWithin = works.contains {
                    $0.request == request && $0.thread == arrow.from.thread && $0.start <= arrow.from.start
                        && arrow.from.end <= $0.end
                }
                #expect(isWithin, "\(arrow)")
            }
            #expect(arrows.count == count)
        }

        /// What is shown of each thread is what /proc has counted, within two in a hundred.
        private func expectSwitches(_ traced: Traced) {
            let (names, identifiers) = (traced.document.threadNames, traced.document.threadIDs)
            let shown = Dictionary(grouping: traced.document.slices("switch")) { identifiers[$0.thread] }
            let nameOfThread = Dictionary(uniqueKeysWithValues: identifiers.map { ($0.value, names[$0.key] ?? "?") })
            var busy = 0
            for (thread, count) in traced.switches where count >= 100 {
                busy += 1
                let own = (shown[thread] ?? []).count { traced.window.contains($0.start) }
                let name = nameOfThread[thread] ?? "?"
                #expect(abs(own - count) <= max(count / 50, 2), "\(name): \(own) shown, \(count) counted")
            }
            #expect(busy > 0)
        }

        // MARK: - Without rights, without a server, without a file

        @Test(.enabled(if: Capability.otherUsers, "another user cannot run the test's server"))
        func whatTheUserMayNotSeeIsAbsentAndTheTraceSaysSo() throws {
            let user = try OrdinaryUser()
            let document = try trace([], requestsPerConnection: 20, prefix: user.prefix).document
            #expect(document.fact("sources", "spans") == "present")
            #expect(document.fact("sources", "fuseTracepoints").hasPrefix("absent: "))
            // Depends on kernel.perf_event_paranoid.
            let switches = document.fact("sources", "contextSwitches")
            #expect(switches == "present" || switches.hasPrefix("absent: perf_event_open: "))
            #expect(document.slices("switch").isEmpty == (switches != "present"))
            #expect(document.overlaps.isEmpty)
            #expect(try document.tracks("request").count == 20 * Self.connections)
            for track in try document.tracks("fuse-request").values {
                #expect(track.parts.allSatisfy { ["service", "reply"].contains($0.name) })
                #expect(track.sumOfParts == track.duration)
            }
            try expectArrows(document)
        }

        @Test func aMountAloneIsTracedToo() throws {
            let folder = try PrivateFolder()
            let docroot = try folder.makeFolder("docroot")
            let mountPoint = try folder.makeFolder("mount")
            try folder.write("docroot/file", "text")
            let path = "\(folder.path)/trace.json"
            let server = try ServerProcess(["mount", docroot, mountPoint, "--profile", "seed", "--trace-file", path])
            for _ in 0..<10 {
                let reader = try ChildProcess(["cat", "\(mountPoint)/file"], in: folder)
                #expect(reader.wait(seconds: 10) == .exited(0))
                #expect(reader.output == "text")
            }
            #expect(server.stop() == .exited(0))
            let document = try TraceDocument(readFile(Array(path.utf8)))
            #expect(document.slices("fuse").count { $0.name == "READ" } >= 10)
            #expect(document.slices("fuse").contains { $0.name == "INIT" })
            #expect(document.slices("fuse").allSatisfy { $0.request == nil })
            #expect(document.arrows.isEmpty)
            #expect(document.overlaps.isEmpty)
        }

        @Test func aTraceFileThatCannotBeMadeIsRefused() throws {
            let folder = try PrivateFolder()
            let docroot = try folder.makeFolder("docroot")
            let path = "\(folder.path)/missing/trace.json"
            try FailedStart([docroot, "--listen", "127.0.0.1:0", "--trace-file", path], in: folder)
                .expectRefusal("--trace-file \(path)", "No such file or directory")
        }
    }
}
