import Foundation

/// A trace in the Trace Event format, read back: times are nanoseconds.
package struct TraceDocument {
    package struct Event {
        /// `X`, `b`, `e` or `M`.
        package let type: String
        package let name: String
        package let category: String
        package let thread: Int
        package let start: Int
        package let end: Int
        /// Of a track of its own.
        package let identifier: String
        /// Of the arrow that begins at its end, or that ends at its start.
        package let arrowOut: Int?
        package let arrowIn: Int?
        package let arguments: [String: Any]

        /// The HTTP request that it belongs to.
        package var request: Int? { arguments["request"] as? Int }
        /// The number of a FUSE request in this trace.
        package var number: Int? { arguments["number"] as? Int }
    }

    package struct Malformed: Error {
        package let description: String
    }

    package let events: [Event]
    package let facts: [String: Any]

    package init(_ bytes: [UInt8]) throws {
        guard let document = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any],
            let events = document["traceEvents"] as? [[String: Any]],
            let facts = document["otherData"] as? [String: Any]
        else { throw Malformed(description: "not a trace: \(bytes.count) bytes") }
        self.facts = facts
        self.events = try events.map { event in
            guard let type = event["ph"] as? String, let name = event["name"] as? String,
                let thread = event["tid"] as? Int
            else { throw Malformed(description: "not an event: \(event)") }
            func nanoseconds(_ key: String) -> Int { Int(((event[key] as? Double ?? 0) * 1000).rounded()) }
            let arrow = (event["bind_id"] as? String).flatMap { Int($0.dropFirst(2), radix: 16) }
            return Event(
                type: type, name: name, category: event["cat"] as? String ?? "", thread: thread,
                start: nanoseconds("ts"), end: nanoseconds("ts") + nanoseconds("dur"),
                identifier: (event["id2"] as? [String: Any])?["local"] as? String ?? "",
                arrowOut: event["flow_out"] as? Bool == true ? arrow : nil,
                arrowIn: event["flow_in"] as? Bool == true ? arrow : nil,
                arguments: event["args"] as? [String: Any] ?? [:])
        }
    }

    /// The names of the threads, by their numbers in the file.
    package var threadNames: [Int: String] {
        var names: [Int: String] = [:]
        for event in events where event.name == "thread_name" {
            names[event.thread] = event.arguments["name"] as? String
        }
        return names
    }

    /// Slices of one category on the threads' tracks.
    package func slices(_ category: String) -> [Event] { events.filter { $0.type == "X" && $0.category == category } }

    /// A text of `otherData`, by the keys that lead to it.
    package func fact(_ keys: String...) -> String {
        var value: Any? = facts
        for key in keys { value = (value as? [String: Any])?[key] }
        return value.map { "\($0)" } ?? ""
    }

    /// What the file says of each thread: its exact number of switches among other things.
    package var threads: [[String: Any]] { facts["threads"] as? [[String: Any]] ?? [] }

    /// Slices of a thread that overlap without one being within the other.
    package var overlaps: [(Event, Event)] {
        var overlaps: [(Event, Event)] = []
        for slices in Dictionary(grouping: events.filter { $0.type == "X" }, by: \.thread).values {
            var open: [Event] = []
            for slice in slices.sorted(by: { ($0.start, -$0.end) < ($1.start, -$1.end) }) {
                while let last = open.last, last.end <= slice.start { open.removeLast() }
                if let last = open.last, slice.end > last.end { overlaps.append((last, slice)) }
                open.append(slice)
            }
        }
        return overlaps
    }

    /// A track of its own: something as a whole, and its parts one after the other.
    package struct Track {
        package let whole: Event
        package let end: Int
        package let parts: [(name: String, start: Int, end: Int)]

        package var duration: Int { end - whole.start }
        package var sumOfParts: Int { parts.reduce(0) { $0 + $1.end - $1.start } }
    }

    /// The tracks of one category, by their ids.
    ///
    /// - Throws: when what begins does not end.
    package func tracks(_ category: String) throws -> [String: Track] {
        let events = events.filter { $0.category == category && ["b", "e"].contains($0.type) }
        return try Dictionary(grouping: events, by: \.identifier).mapValues { events in
            guard let first = events.first, let last = events.last, first.type == "b", last.type == "e",
                first.name == last.name, events.count.isMultiple(of: 2)
            else { throw Malformed(description: "a track that does not end: \(events)") }
            let inner = Array(events.dropFirst().dropLast())
            let parts = try stride(from: 0, to: inner.count, by: 2).map { index in
                let (begin, end) = (inner[index], inner[index + 1])
                guard begin.type == "b", end.type == "e", begin.name == end.name, end.start >= begin.start else {
                    throw Malformed(description: "a part that does not end: \(begin) \(end)")
                }
                return (name: begin.name, start: begin.start, end: end.start)
            }
            return Track(whole: first, end: last.start, parts: parts)
        }
    }

    /// CLOCK_MONOTONIC of its times' beginning.
    package var origin: Int { facts["originMonotonicNanoseconds"] as? Int ?? 0 }

    /// The slices at both ends of the arrows, by the numbers of their FUSE requests.
    package var arrows: [Int: (from: Event, to: Event)] {
        var froms: [Int: Event] = [:]
        var arrows: [Int: (from: Event, to: Event)] = [:]
        for event in events { if let number = event.arrowOut { froms[number] = event } }
        for event in events {
            if let number = event.arrowIn, let from = froms[number] { arrows[number] = (from, event) }
        }
        return arrows
    }

    /// The kernel's ids of the threads, by their numbers in the file.
    package var threadIDs: [Int: Int] {
        var identifiers: [Int: Int] = [:]
        for thread in threads {
            if let number = thread["tid"] as? Int { identifiers[number] = thread["threadID"] as? Int }
        }
        return identifiers
    }
}
