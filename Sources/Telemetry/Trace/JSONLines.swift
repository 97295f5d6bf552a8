import Glibc
import Platform

/// Writes JSON to a descriptor through a buffer, piece by piece: the caller puts the braces and commas.
struct JSONLines: ~Copyable {
    private let descriptor: CInt
    private var buffer: [UInt8] = []

    private static let bufferBytes = 1 << 16

    init(_ descriptor: CInt) {
        self.descriptor = descriptor
        buffer.reserveCapacity(Self.bufferBytes + 4096)
    }

    /// Syntax and names as they are.
    mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { buffer.append(contentsOf: $0) }
    }

    /// A string, with its quotation marks.
    mutating func string(_ text: String) {
        buffer.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                buffer.append(UInt8(ascii: "\\"))
                buffer.append(byte)
            case ..<0x20, 0x7f:
                raw("\\u00")
                buffer.append(Self.hexadecimalDigit(byte >> 4))
                buffer.append(Self.hexadecimalDigit(byte & 15))
            default: buffer.append(byte)
            }
        }
        buffer.append(UInt8(ascii: "\""))
    }

    mutating func number(_ value: UInt64) {
        if value >= 10 { number(value / 10) }
        buffer.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value % 10))
    }

    mutating func hexadecimal(_ value: UInt64) {
        if value >= 16 { hexadecimal(value / 16) }
        buffer.append(Self.hexadecimalDigit(UInt8(truncatingIfNeeded: value % 16)))
    }

    private static func hexadecimalDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    /// Nanoseconds as microseconds, to three decimal places.
    mutating func microseconds(_ nanoseconds: UInt64) {
        number(nanoseconds / 1000)
        let rest = nanoseconds % 1000
        buffer.append(UInt8(ascii: "."))
        for digit in [rest / 100, rest / 10 % 10, rest % 10] {
            buffer.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit))
        }
    }

    /// Writes what is in the buffer, if it is enough to be worth a call.
    mutating func flushIfLarge() throws(Errno) {
        if buffer.count >= Self.bufferBytes { try flush() }
    }

    /// Writes what is in the buffer (`write(2)`), waiting where the descriptor is one that does not.
    mutating func flush() throws(Errno) {
        var start = 0
        while start < buffer.count {
            let count = buffer.withUnsafeBytes { write(descriptor, $0.baseAddress! + start, $0.count - start) }
            if count > 0 {
                start += count
                continue
            }
            let code = count < 0 ? errno : EIO
            if code == EAGAIN {
                var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&room, 1, -1)
            } else if code != EINTR {
                throw Errno(rawValue: code)
            }
        }
        buffer.removeAll(keepingCapacity: true)
    }
}
