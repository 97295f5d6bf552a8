/// A time to a tenth of a microsecond, which is what is printed: sums are made of these, so that they are right as printed.
package struct Microseconds: Comparable, Sendable, CustomStringConvertible {
    package let tenths: Int

    package init(tenths: Int) { self.tenths = tenths }

    package init(nanoseconds: Double) { tenths = Int((nanoseconds / 100).rounded()) }

    package static func < (a: Microseconds, b: Microseconds) -> Bool { a.tenths < b.tenths }
    package static func + (a: Self, b: Self) -> Self { Self(tenths: a.tenths + b.tenths) }
    package static func - (a: Self, b: Self) -> Self { Self(tenths: a.tenths - b.tenths) }

    package var description: String {
        "\(tenths < 0 ? "-" : "")\(tenths.magnitude / 10).\(tenths.magnitude % 10)"
    }
}

/// A number with two decimals.
func hundredths(_ value: Double) -> String {
    let scaled = Int((value * 100).rounded())
    let fraction = scaled.magnitude % 100
    return "\(scaled < 0 ? "-" : "")\(scaled.magnitude / 100).\(fraction < 10 ? "0" : "")\(fraction)"
}

/// A whole number with commas: 26,400.
func grouped(_ value: Double) -> String {
    let digits = "\(Int(value.rounded().magnitude))"
    var text = value.rounded() < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
        if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
        text.append(digit)
    }
    return text
}
