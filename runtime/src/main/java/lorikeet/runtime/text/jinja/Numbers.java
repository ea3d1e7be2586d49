package lorikeet.runtime.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;

/** Python's arithmetic on integers of any size and floats. */
final class Numbers {
    /** Larger integers are refused: they would make a single operation arbitrarily dear. */
    private static final int MAX_BITS = 1 << 14;

    private Numbers() {}

    /** The value as a {@code Long} if it fits one. */
    static Object narrow(BigInteger value) {
        if (value.bitLength() > MAX_BITS) {
            throw Failure.limit("an integer of more than " + MAX_BITS + " bits");
        }
        if (value.bitLength() < 64) {
            return value.longValue();
        }
        return value;
    }

    static BigInteger big(Object integer) {
        return switch (integer) {
            case BigInteger n -> n;
            case Boolean b -> b ? BigInteger.ONE : BigInteger.ZERO;
            case Long n -> BigInteger.valueOf(n);
            default -> throw new IllegalArgumentException("no integer: " + integer);
        };
    }

    static double real(Object number) {
        return number instanceof Double d ? d : big(number).doubleValue();
    }

    /** Units of work that an operation takes: more than none only where integers don't fit a long. */
    static long cost(Expr.Binary.Operator operator, Object left, Object right) {
        if (operator == Expr.Binary.Operator.POWER) {
            return MAX_BITS / 16;
        }
        long words = 1L + words(left) * words(right) / 16;
        return operator == Expr.Binary.Operator.DIVIDE && words > 1 ? words + MAX_BITS : words - 1;
    }

    private static long words(Object number) {
        return number instanceof BigInteger n ? n.bitLength() / 32 : 1;
    }

    static Object apply(Expr.Binary.Operator operator, Object left, Object right) {
        if (left instanceof Double || right instanceof Double) {
            return real(operator, real(left), real(right));
        }
        BigInteger a = big(left);
        BigInteger b = big(right);
        return switch (operator) {
            case ADD -> narrow(a.add(b));
            case SUBTRACT -> narrow(a.subtract(b));
            case MULTIPLY -> narrow(a.multiply(b));
            case DIVIDE -> quotient(a, nonZero(b));
            case FLOOR_DIVIDE -> narrow(floorDivide(a, nonZero(b)));
            case MODULO -> narrow(a.subtract(floorDivide(a, nonZero(b)).multiply(b)));
            case POWER -> power(a, b);
        };
    }

    private static Object real(Expr.Binary.Operator operator, double a, double b) {
        return switch (operator) {
            case ADD -> a + b;
            case SUBTRACT -> a - b;
            case MULTIPLY -> a * b;
            case DIVIDE -> a / nonZero(b);
            case FLOOR_DIVIDE -> floorDivide(a, nonZero(b));
            case MODULO -> modulo(a, nonZero(b));
            case POWER -> {
                if (a == 0 && b < 0) {
                    throw Failure.of("0.0 cannot be raised to a negative power");
                }
                double value = Math.pow(a, b);
                if (Double.isInfinite(value) && !Double.isInfinite(a) && !Double.isInfinite(b)) {
                    throw Failure.of("the result of a power is too large");
                }
                if (a < 0 && Double.isNaN(value)) {
                    throw Failure.of("complex numbers are not supported");
                }
                yield value;
            }
        };
    }

    private static BigInteger nonZero(BigInteger b) {
        if (b.signum() == 0) {
            throw Failure.of("division by zero");
        }
        return b;
    }

    private static double nonZero(double b) {
        if (b == 0) {
            throw Failure.of("division by zero");
        }
        return b;
    }

    /** True division, rounded once however large the integers are. */
    private static Object quotient(BigInteger a, BigInteger b) {
        if (a.bitLength() <= 53 && b.bitLength() <= 53) {
            return a.doubleValue() / b.doubleValue();
        }
        double value = new BigDecimal(a)
                .divide(new BigDecimal(b), new MathContext(800))
                .doubleValue();
        if (Double.isInfinite(value)) {
            throw Failure.of("integer division result too large for a float");
        }
        return value;
    }

    private static BigInteger floorDivide(BigInteger a, BigInteger b) {
        BigInteger[] parts = a.divideAndRemainder(b);
        return parts[1].signum() != 0 && parts[1].signum() != b.signum() ? parts[0].subtract(BigInteger.ONE) : parts[0];
    }

    /** The remainder has the sign of the divisor. */
    private static double modulo(double a, double b) {
        double remainder = a % b;
        if (remainder == 0) {
            return Math.copySign(0.0, b);
        }
        return (remainder < 0) == (b < 0) ? remainder : remainder + b;
    }

    /** As in CPython's float_divmod: the quotient that fits the remainder, not the rounded one. */
    private static double floorDivide(double a, double b) {
        double remainder = a % b;
        double quotient = (a - remainder) / b;
        if (remainder != 0 && (remainder < 0) != (b < 0)) {
            quotient -= 1;
        }
        if (quotient == 0) {
            return Math.copySign(0.0, a / b);
        }
        double floor = Math.floor(quotient);
        return quotient - floor > 0.5 ? floor + 1 : floor;
    }

    private static Object power(BigInteger a, BigInteger b) {
        if (b.signum() < 0) {
            if (a.signum() == 0) {
                throw Failure.of("0.0 cannot be raised to a negative power");
            }
            return Math.pow(a.doubleValue(), b.doubleValue());
        }
        boolean small = a.abs().compareTo(BigInteger.ONE) <= 0;
        if (!small && (b.bitLength() > 31 || (long) a.bitLength() * b.intValue() > MAX_BITS)) {
            throw Failure.limit("a power of more than " + MAX_BITS + " bits");
        }
        if (small) {
            return narrow(a.signum() < 0 && !b.testBit(0) ? BigInteger.ONE : b.signum() == 0 ? BigInteger.ONE : a);
        }
        return narrow(a.pow(b.intValue()));
    }

    static Object negate(Object number) {
        return number instanceof Double d ? (Object) (-d) : narrow(big(number).negate());
    }

    static Object absolute(Object number) {
        return number instanceof Double d
                ? (Object) Math.abs(d)
                : narrow(big(number).abs());
    }
}
