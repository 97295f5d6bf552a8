/// A time to a tenth of a microsecond, which is what is printed: sums are made of these, so that they are right as printed.
package struct Microseconds: Comparable, Sendable, CustomStringConvertible {
    package let tenths: Int

    package init(tenths: Int) { self.tenths = tenths }

    package init(nanoseconds: Double) { tenths = wholeNumber(nanoseconds / 100) }

    package static func < (a: Microseconds, b: Microseconds) -> Bool { a.tenths < b.tenths }
    package static func + (a: Self, b: Self) -> Self { Self(tenths: a.tenths + b.tenths) }
    package static func - (a: Self, b: Self) -> Self { Self(tenths: a.tenths - b.tenths) }

    package var description: String {
        "\(tenths < 0 ? "-" : "")\(tenths.magnitude / 10).\(tenths.magnitude % 10)"
    }
}

/// The nearest whole number. What cannot be from a serverfs, such as the difference of two figures of which the later is less,
/// becomes one of which several can still be added up.
func wholeNumber(_ value: Double) -> Int {
    let limit = 1e15
    return value.isNaN ? 0 : Int(min(max(value.rounded(), -limit), limit))
}

/// A number with two decimals.
func hundredths(_ value: Double) -> String {
    let scaled = wholeNumber(value * 100)
    let fraction = scaled.magnitude % 100
    return "\(scaled < 0 ? "-" : "")\(scaled.magnitude / 100).\(fraction < 10 ? "0" : "")\(fraction)"
}

/// A whole number with commas: 26,400.
func grouped(_ value: Double) -> String {
    let digits = "\(wholeNumber(value).magnitude)"
    var text = wholeNumber(value) < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
        if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
        text.append(digit)
    }
    return text
}
