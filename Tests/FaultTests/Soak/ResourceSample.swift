import Glibc
import TestSupport

/// What a process holds, with nobody asking anything of it.
struct ResourceSample: Sendable, CustomStringConvertible {
    let residentKiB: Int
    /// Memory that is nobody else's.
    let privateKiB: Int
    let descriptors: Int
    let threads: Int

    init(_ identifier: pid_t) {
        residentKiB = ProcessFacts.mappings(identifier, "Rss")
        privateKiB =
            ProcessFacts.mappings(identifier, "Private_Dirty") + ProcessFacts.mappings(identifier, "Private_Clean")
        descriptors = ProcessFacts.descriptorCount(identifier)
        threads = ProcessFacts.threadNames(identifier).count
    }

    var description: String {
        "\(residentKiB) KiB resident, \(privateKiB) KiB private, \(descriptors) descriptors, \(threads) threads"
    }

    /// How much more it may be in the end than after the first minute: no more than the noise of an allocator and of caches
    /// that were not full.
    static let privateKiBGrowthMax = 12 * 1024
    static let descriptorGrowthMax = 32
    static let threadGrowthMax = 0

    /// What has grown beyond its bound since an earlier sample, in words.
    func growth(since earlier: ResourceSample) -> [String] {
        var grown: [String] = []
        if privateKiB > earlier.privateKiB + Self.privateKiBGrowthMax { grown.append("memory") }
        if descriptors > earlier.descriptors + Self.descriptorGrowthMax { grown.append("descriptors") }
        if threads > earlier.threads + Self.threadGrowthMax { grown.append("threads") }
        return grown.isEmpty ? [] : ["\(grown) grew: \(earlier); then \(self)"]
    }
}
