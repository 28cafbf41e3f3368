package io.asktell;

import io.asktell.v1.BoolDomain;
import io.asktell.v1.CategoricalDomain;
import io.asktell.v1.DiscreteDomain;
import io.asktell.v1.FloatDomain;
import io.asktell.v1.IntDomain;
import io.asktell.v1.ParameterValue;
import io.asktell.v1.SearchSpace;
import java.util.List;

/** Search spaces, to and from messages. */
final class SpaceCodec {
  private SpaceCodec() {}

  static SearchSpace encode(List<Parameter> space) {
    SearchSpace.Builder wire = SearchSpace.newBuilder();
    space.forEach(parameter -> wire.addParameters(encode(parameter)));
    return wire.build();
  }

  // Checked casts instead of patterns in switch, which Java 17 does not have.
  private static io.asktell.v1.Parameter encode(Parameter parameter) {
    io.asktell.v1.Parameter.Builder wire =
        io.asktell.v1.Parameter.newBuilder().setName(parameter.name());
    Object standard = null;
    if (parameter instanceof FloatParameter real) {
      FloatDomain.Builder domain =
          FloatDomain.newBuilder()
              .setMin(real.min())
              .setMax(real.max())
              .setScale(scale(real.scale()));
      if (real.step() != null) {
        domain.setStep(real.step());
      }
      wire.setFloatDomain(domain);
      standard = real.defaultValue();
    } else if (parameter instanceof IntParameter whole) {
      IntDomain.Builder domain =
          IntDomain.newBuilder()
              .setMin(whole.min())
              .setMax(whole.max())
              .setScale(scale(whole.scale()));
      if (whole.step() != null) {
        domain.setStep(whole.step());
      }
      wire.setIntDomain(domain);
      standard = whole.defaultValue();
    } else if (parameter instanceof DiscreteParameter discrete) {
      DiscreteDomain.Builder domain = DiscreteDomain.newBuilder();
      discrete.values().forEach(value -> domain.addValues(Wire.value(value)));
      wire.setDiscreteDomain(domain);
      standard = discrete.defaultValue();
    } else if (parameter instanceof CategoricalParameter categorical) {
      wire.setCategoricalDomain(CategoricalDomain.newBuilder().addAllValues(categorical.values()));
      standard = categorical.defaultValue();
    } else if (parameter instanceof BoolParameter bool) {
      wire.setBoolDomain(BoolDomain.getDefaultInstance());
      standard = bool.defaultValue();
    } // An UnknownParameter goes without a domain, which the server refuses.
    if (standard != null) {
      wire.setDefaultValue(Wire.value(standard));
    }
    return wire.build();
  }

  private static io.asktell.v1.Scale scale(Scale scale) {
    return io.asktell.v1.Scale.valueOf("SCALE_" + scale.name());
  }

  static List<Parameter> decode(SearchSpace wire) {
    return wire.getParametersList().stream().map(SpaceCodec::decode).toList();
  }

  private static Parameter decode(io.asktell.v1.Parameter wire) {
    String name = wire.getName();
    Object standard = Wire.value(wire.getDefaultValue());
    switch (wire.getDomainCase()) {
      case FLOAT_DOMAIN:
        FloatDomain real = wire.getFloatDomain();
        // The contract allows an int as the default of a float.
        Double start = standard instanceof Number number ? (Double) number.doubleValue() : null;
        return new FloatParameter(
            name,
            real.getMin(),
            real.getMax(),
            scale(real.getScale()),
            real.hasStep() ? real.getStep() : null,
            start);
      case INT_DOMAIN:
        IntDomain whole = wire.getIntDomain();
        // A step of 1 is every whole number, which is what no step means.
        Long step = whole.hasStep() && whole.getStep() != 1 ? (Long) whole.getStep() : null;
        return new IntParameter(
            name, whole.getMin(), whole.getMax(), scale(whole.getScale()), step, (Long) standard);
      case DISCRETE_DOMAIN:
        return new DiscreteParameter(
            name, numbers(wire.getDiscreteDomain().getValuesList()), (Number) standard);
      case CATEGORICAL_DOMAIN:
        return new CategoricalParameter(
            name, wire.getCategoricalDomain().getValuesList(), (String) standard);
      case BOOL_DOMAIN:
        return new BoolParameter(name, (Boolean) standard);
      default:
        return new UnknownParameter(name);
    }
  }

  private static List<Number> numbers(List<ParameterValue> wire) {
    return wire.stream().map(Wire::value).map(Number.class::cast).toList();
  }

  private static Scale scale(io.asktell.v1.Scale wire) {
    return switch (wire) {
      case SCALE_LOG -> Scale.LOG;
      case SCALE_REVERSE_LOG -> Scale.REVERSE_LOG;
      default -> Scale.LINEAR;
    };
  }
}
