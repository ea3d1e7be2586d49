package lorikeet.runtime;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.type;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaConstructor;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What holds for the code of all modules and no compiler checks. */
final class HouseRulesTest {
    /** What jextract makes: nobody edits it, and its private tables of dimensions lack a final. */
    private static final String[] GENERATED = {"lorikeet.bindings.cuda..", "lorikeet.bindings.cublaslt.."};

    // From the folders, not the class path: the modules' own code and nothing else, however the tests are run.
    private static final JavaClasses CODE = new ClassFileImporter()
            .importPaths(List.of(
                    Path.of("../bindings/target/classes"),
                    Path.of("../memory/target/classes"),
                    Path.of("../kernels/target/classes"),
                    Path.of("target/classes")));

    @Test
    void codeOfEveryLayerIsLookedAt() {
        assertThat(CODE).extracting(JavaClass::getPackageName).contains("lorikeet.memory", "lorikeet.runtime.cli");
    }

    @Test
    void layersDependOnlyOnThoseBelow() {
        layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .withOptionalLayers(true)
                .layer("bindings")
                .definedBy("lorikeet.bindings..")
                .layer("memory")
                .definedBy("lorikeet.memory..")
                .layer("kernels")
                .definedBy("lorikeet.kernels..")
                .layer("runtime")
                .definedBy("lorikeet.runtime..")
                .whereLayer("runtime")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("kernels")
                .mayOnlyBeAccessedByLayers("runtime")
                .whereLayer("memory")
                .mayOnlyBeAccessedByLayers("kernels", "runtime")
                .check(CODE);
    }

    @Test
    void theServerIsAThinLayerOnTop() {
        noClasses()
                .that()
                .resideOutsideOfPackages("lorikeet.runtime.server..", "lorikeet.runtime.cli..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("lorikeet.runtime.server..", "lorikeet.runtime.cli..")
                .check(CODE);
    }

    @Test
    void httpKnowsNoModel() {
        noClasses()
                .that()
                .resideInAPackage("lorikeet.runtime.server.http..")
                .should()
                .dependOnClassesThat(
                        resideInAPackage("lorikeet..").and(resideOutsideOfPackage("lorikeet.runtime.server.http..")))
                .check(CODE);
    }

    @Test
    void nothingUsesUnsafe() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("sun.misc.Unsafe")
                .check(CODE);
    }

    @Test
    void onlyTheLowerLayersMakeSegmentsFromAddresses() {
        noClasses()
                .that()
                .resideOutsideOfPackages("lorikeet.memory..", "lorikeet.bindings..")
                .should()
                .callMethodWhere(
                        target(owner(type(MemorySegment.class))).and(target(nameMatching("reinterpret|ofAddress"))))
                .check(CODE);
    }

    @Test
    void staticFieldsAreFinal() {
        fields().that()
                .areStatic()
                .and()
                .areDeclaredInClassesThat()
                .resideOutsideOfPackages(GENERATED)
                .should()
                .beFinal()
                .check(CODE);
    }

    @Test
    void publicClassesAreNotOpenToInheritance() {
        classes()
                .that()
                .arePublic()
                .and()
                .areNotInterfaces()
                .and()
                .areNotEnums()
                .should(beClosed())
                .allowEmptyShould(true)
                .check(CODE);
    }

    private static ArchCondition<JavaClass> beClosed() {
        return new ArchCondition<>("be final, an exception, or without a constructor that others can call") {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                boolean closed = type.getModifiers().contains(JavaModifier.FINAL)
                        || type.isAssignableTo(Throwable.class)
                        || type.getConstructors().stream().noneMatch(HouseRulesTest::isOpen);
                if (!closed) {
                    events.add(SimpleConditionEvent.violated(type, type.getName() + " is open to inheritance"));
                }
            }
        };
    }

    private static boolean isOpen(JavaConstructor constructor) {
        return constructor.getModifiers().contains(JavaModifier.PUBLIC)
                || constructor.getModifiers().contains(JavaModifier.PROTECTED);
    }
}
