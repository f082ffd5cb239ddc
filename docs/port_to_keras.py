"""`mnist-wgan-gp`, which is a program of PyTorch, as ported to Keras; what is added to have it judged is marked."""

import keras
import tensorflow as tf

import gan_rosetta as gr  # added

keras.config.set_floatx("float64")  # added
keras.config.set_dtype_policy("float64")  # added
layers = keras.layers


class PaperAdam(keras.optimizers.Adam):
    """Adam with ε after the bias correction, and betas that do not go through float32."""

    def update_step(self, gradient, variable, learning_rate):
        count = tf.cast(self.iterations + 1, variable.dtype)
        index = self._get_variable_index(variable)
        mean, square = self._momentums[index], self._velocities[index]
        mean.assign(0.9 * mean + (1 - 0.9) * gradient)
        square.assign(0.999 * square + (1 - 0.999) * gradient**2)
        corrected = tf.sqrt(square / (1 - 0.999**count))
        variable.assign_sub(learning_rate * (mean / (1 - 0.9**count)) / (corrected + 1e-8))


def leaky():
    return layers.Activation(lambda x: tf.maximum(x, 0.2 * x))  # LeakyReLU's own slope is float32


def make_generator():
    model = keras.Sequential([keras.Input((100,)), layers.Dense(128), leaky()])
    for width in (256, 512, 1024):
        model.add(layers.Dense(width))
        model.add(layers.BatchNormalization(epsilon=0.8, momentum=0.9))
        model.add(leaky())
    model.add(layers.Dense(784, activation="tanh"))
    model.add(layers.Reshape((28, 28, 1)))
    return model


def make_discriminator():
    model = keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten()])
    for width in (512, 256):
        model.add(layers.Dense(width))
        model.add(leaky())
    model.add(layers.Dense(1))
    return model


generator, discriminator = make_generator(), make_discriminator()
optimizer_g, optimizer_d = PaperAdam(learning_rate=0.001), PaperAdam(learning_rate=0.004)


def gradient_penalty(real, fake, mix):
    mixed = mix * real + (1 - mix) * fake
    with tf.GradientTape() as inner:
        inner.watch(mixed)
        score = discriminator(mixed)
    gradient = inner.gradient(score, mixed)
    return tf.reduce_mean((tf.abs(gradient) - 1) ** 2)


def train_step(real, latent, mix):
    fake = generator(latent, training=True)
    with tf.GradientTape() as tape:
        loss_d = -tf.reduce_mean(discriminator(real)) + tf.reduce_mean(discriminator(fake))
        loss_d += 10 * gradient_penalty(real, fake, mix)
    optimizer_d.apply(tape.gradient(loss_d, discriminator.trainable_variables), discriminator.trainable_variables)
    with tf.GradientTape() as tape:
        loss_g = -tf.reduce_mean(discriminator(generator(latent, training=True)))
    optimizer_g.apply(tape.gradient(loss_g, generator.trainable_variables), generator.trainable_variables)
    return loss_d, loss_g


case = gr.case("mnist-wgan-gp", steps=3, batch_size=8, framework="tensorflow")  # added
case.load(generator=generator, discriminator=discriminator)  # added
for step in case:  # added
    batch = tf.reshape(step.real, (-1, 28, 28, 1)), step.latent_d, step.mix  # added
    losses = train_step(*batch)
    step.record(discriminator=losses[0], generator=losses[1])  # added
print(case.judge().sentence)  # added
