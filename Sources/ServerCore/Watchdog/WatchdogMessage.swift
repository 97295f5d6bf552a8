/// What the server tells its watchdog, through a pipe: each of a few mounts it may have at a time by its place.
enum WatchdogMessage: Equatable, Sendable {
    /// A mount is about to be made at an absolute path, whose folder is removed with it if it is private.
    case willMount(place: UInt8, isPrivate: Bool, path: [UInt8])
    /// The mount announced for the place is made.
    case mounted(place: UInt8, device: UInt64, mountID: UInt64)
    /// The mount is gone, in good order, and its folder too if it was private.
    case unmounted(place: UInt8)

    /// Linux's PATH_MAX.
    static let pathBytesMax = 4096

    /// `u32` bytes in all, `u8` kind, `u8` place, `u8` is private, `u8` 0; two `u64`: device and mount; the path. All in
    /// the machine's byte order.
    var encoded: [UInt8] {
        switch self {
        case .willMount(let place, let isPrivate, let path):
            Self.encode(kind: 1, place, isPrivate: isPrivate, 0, 0, path)
        case .mounted(let place, let device, let mountID):
            Self.encode(kind: 2, place, isPrivate: false, device, mountID, [])
        case .unmounted(let place):
            Self.encode(kind: 3, place, isPrivate: false, 0, 0, [])
        }
    }

    private static let headBytes = 24

    private static func encode(
        kind: UInt8, _ place: UInt8, isPrivate: Bool, _ device: UInt64, _ mountID: UInt64, _ path: [UInt8]
    ) -> [UInt8] {
        precondition(path.count <= pathBytesMax)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(headBytes + path.count)
        withUnsafeBytes(of: UInt32(headBytes + path.count)) { bytes += $0 }
        bytes += [kind, place, isPrivate ? 1 : 0, 0]
        withUnsafeBytes(of: device) { bytes += $0 }
        withUnsafeBytes(of: mountID) { bytes += $0 }
        return bytes + path
    }

    /// What is not a message: the two ends are not of one mind.
    struct Malformed: Error {}

    /// Takes the first message off `bytes`; nil when it is not whole yet.
    static func take(from bytes: inout [UInt8]) throws(Malformed) -> WatchdogMessage? {
        guard bytes.count >= headBytes else { return nil }
        let (count, device, mountID) = bytes.withUnsafeBytes {
            (
                Int($0.loadUnaligned(as: UInt32.self)), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                $0.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
            )
        }
        guard count >= headBytes, count <= headBytes + pathBytesMax, bytes[5] < WatchdogMemory.places else {
            throw Malformed()
        }
        guard bytes.count >= count else { return nil }
        let (kind, place, isPrivate) = (bytes[4], bytes[5], bytes[6] == 1)
        let path = Array(bytes[headBytes..<count])
        bytes.removeFirst(count)
        switch kind {
        case 1 where !path.isEmpty: return .willMount(place: place, isPrivate: isPrivate, path: path)
        case 2: return .mounted(place: place, device: device, mountID: mountID)
        case 3: return .unmounted(place: place)
        default: throw Malformed()
        }
    }
}
