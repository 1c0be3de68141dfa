// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation by user space: /dev/dma_heap/dmbarN with DMA_HEAP_IOCTL_ALLOC.
 *
 * Where a module can use the kernel's heap core, the heap is registered there.
 * The core cannot unregister a heap, so the module then stays until reboot.
 * Elsewhere, or with core_heap=0, a misc device of the same name answers the
 * same ioctl; user space cannot tell the two apart.
 */
#include <linux/dma-heap.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <uapi/linux/dma-heap.h>

#include "dmbar.h"

/* ---------------------------------------------------------------- misc device */

static int dmbar_misc_open(struct inode *inode, struct file *file)
{
	/* misc_deregister() waits until this has returned: @d is still there */
	struct dmbar *d = container_of(file->private_data, struct dmbar, misc);

	file->private_data = dmbar_get(d);
	return nonseekable_open(inode, file);
}

static int dmbar_misc_release(struct inode *inode, struct file *file)
{
	dmbar_put(file->private_data);
	return 0;
}

static long dmbar_misc_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct dma_heap_allocation_data __user *uptr = (void __user *)arg;
	struct dma_heap_allocation_data req;
	struct dma_buf *buf;
	size_t len;
	int fd;

	if (cmd != DMA_HEAP_IOCTL_ALLOC)
		return -ENOTTY;
	if (copy_from_user(&req, uptr, sizeof(req)))
		return -EFAULT;
	if (req.fd || req.fd_flags & ~DMA_HEAP_VALID_FD_FLAGS ||
	    req.heap_flags & ~DMA_HEAP_VALID_HEAP_FLAGS)
		return -EINVAL;
	len = PAGE_ALIGN(req.len);
	if (!len)
		return -EINVAL;
	buf = dmbar_export(file->private_data, len, req.fd_flags);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	fd = get_unused_fd_flags(req.fd_flags);
	if (fd < 0) {
		dma_buf_put(buf);
		return fd;
	}
	req.fd = fd;
	/* nothing may fail once the descriptor can be used */
	if (copy_to_user(uptr, &req, sizeof(req))) {
		put_unused_fd(fd);
		dma_buf_put(buf);
		return -EFAULT;
	}
	fd_install(fd, buf->file);
	return 0;
}

static const struct file_operations dmbar_misc_fops = {
	.owner = THIS_MODULE,
	.open = dmbar_misc_open,
	.release = dmbar_misc_release,
	.unlocked_ioctl = dmbar_misc_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static int dmbar_misc_register(struct dmbar *d)
{
	int err;

	snprintf(d->nodename, sizeof(d->nodename), "dma_heap/%s", d->name);
	d->misc = (struct miscdevice){
		.minor = MISC_DYNAMIC_MINOR,
		.name = d->name,
		.nodename = d->nodename,
		.fops = &dmbar_misc_fops,
		.parent = &d->pdev->dev,
		.mode = 0600,
	};
	err = misc_register(&d->misc);
	d->misc_registered = !err;
	return err;
}

/* ------------------------------------------------------------------ heap core */

#ifdef DMBAR_HAVE_HEAP_ADD
static struct dma_buf *dmbar_heap_allocate(struct dma_heap *heap, unsigned long len, u32 fd_flags,
					   u64 heap_flags)
{
	return dmbar_export(dma_heap_get_drvdata(heap), len, fd_flags);
}

static const struct dma_heap_ops dmbar_heap_ops = {
	.allocate = dmbar_heap_allocate,
};

static int dmbar_core_register(struct dmbar *d)
{
	const struct dma_heap_export_info info = {
		.name = d->name,
		.ops = &dmbar_heap_ops,
		.priv = d,
	};
	struct dma_heap *heap = dma_heap_add(&info);

	if (IS_ERR(heap))
		return PTR_ERR(heap);
	/* the heap stays for ever, so its name, its device and this code must stay, too */
	dmbar_get(d);
	__module_get(THIS_MODULE);
	return 0;
}

LAB_IMPORT_NS(DMA_BUF_HEAP);
#else
static int dmbar_core_register(struct dmbar *d)
{
	return -EOPNOTSUPP;
}
#endif

/**
 * dmbar_heap_register() - let user space allocate
 * @d: device
 *
 * Return: 0 or a negative error.
 */
int dmbar_heap_register(struct dmbar *d)
{
	if (IS_ENABLED(CONFIG_DMABUF_HEAPS) && dmbar_core_heap) {
		int err = dmbar_core_register(d);

		if (err != -EOPNOTSUPP)
			return err;
	}
	return dmbar_misc_register(d);
}

/* a heap of the core cannot be removed; from now on it answers ENODEV */
void dmbar_heap_unregister(struct dmbar *d)
{
	if (d->misc_registered)
		misc_deregister(&d->misc);
}
