import ArgumentParser
import HTTPServer
import ServerCore

/// `--listen`'s HOST:PORT.
struct AddressOption: ExpressibleByArgument {
    let address: ListenAddress

    init(address: ListenAddress) { self.address = address }

    init?(argument: String) {
        guard let address = ListenAddress(argument) else { return nil }
        self.address = address
    }

    var defaultValueDescription: String { "\(address)" }
}

/// An option's `on` or `off`.
enum Switch: String, CaseIterable, ExpressibleByArgument {
    case on, off
}

/// `--open-file-cache`'s N or `off`.
enum OpenFileCacheOption: ExpressibleByArgument {
    case off
    case capacity(Int)

    init?(argument: String) {
        if argument == "off" {
            self = .off
            return
        }
        guard let capacity = Int(argument), (1...1_000_000).contains(capacity) else { return nil }
        self = .capacity(capacity)
    }

    var defaultValueDescription: String {
        switch self {
        case .off: "off"
        case .capacity(let capacity): "\(capacity)"
        }
    }

    /// 0 when off.
    var capacity: Int {
        switch self {
        case .off: 0
        case .capacity(let capacity): capacity
        }
    }
}

/// `--admin`'s HOST:PORT or `off`.
enum AdminOption: ExpressibleByArgument {
    case off
    case address(ListenAddress)

    init?(argument: String) {
        if argument == "off" {
            self = .off
            return
        }
        guard let address = ListenAddress(argument) else { return nil }
        self = .address(address)
    }

    var choice: AdminChoice {
        switch self {
        case .off: .off
        case .address(let address): .address(address)
        }
    }
}
